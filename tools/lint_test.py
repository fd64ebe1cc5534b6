"""What the text checks of lint.py find, each on a planted line."""

import unittest

import lint


class LintTest(unittest.TestCase):
    def found(self, check, name, text):
        return list(check(name, text))

    def test_banned_words_are_named_with_line_reason_and_replacement(self):
        [said] = self.found(lint.banned_words, "src/a/b.cc", "int x;\nstd::cout << x << '\\n';\n")
        self.assertTrue(said.startswith("src/a/b.cc:2: `std::cout <<` is not used here"))
        self.assertIn("Instead: fmt::print", said)

    def test_each_banned_word_is_found_and_its_neighbours_are_not(self):
        for wrong, right in [("assert(x);", "static_assert(x);"), ("std::endl", "a_std::endless"),
                             ("std::this_thread::sleep_for(1s);", "co_await sleep_for(timers, 1s);"),
                             ("// TO" + "DO later", "// a todo list"), ("std::fprintf(f, x);", "fmt::print(f, x);"),
                             ("#ifndef A_H", "#ifndef NDEBUG"), ("using namespace std;", "using namespace std::literals;")]:
            with self.subTest(wrong):
                self.assertEqual(len(self.found(lint.banned_words, "src/a.cc", wrong)), 1)
                self.assertEqual(self.found(lint.banned_words, "src/a.cc", right), [])

    def test_a_header_does_not_open_a_namespace_for_its_includers(self):
        self.assertEqual(len(self.found(lint.banned_words, "src/a.h", "using namespace asio;")), 1)
        self.assertEqual(self.found(lint.banned_words, "src/a.h", "using namespace asio::awaitable_operators;"), [])
        self.assertEqual(self.found(lint.banned_words, "src/a.cc", "using namespace asio;"), [])

    def test_a_coroutine_lambda_called_on_the_spot_is_found(self):
        body = "-> Task<int> { if (x) { co_return 1; } co_return 2; }"
        self.assertEqual(len(self.found(lint.coroutines, "a.cc", f"[this, x]() {body}();")), 1)
        self.assertEqual(self.found(lint.coroutines, "a.cc", f"on(shard, [this, x]() {body});"), [])
        self.assertEqual(self.found(lint.coroutines, "a.cc", f"[]() {body}();"), [])

    def test_a_function_that_is_too_long_is_found(self):
        def function(lines):
            return "void f() {\n" + "  if (x) {\n  }\n" * ((lines - 2) // 2) + "}\n"

        self.assertEqual(self.found(lint.functions, "a.cc", function(60) + function(60)), [])
        [said] = self.found(lint.functions, "a.cc", function(20) + function(62))
        self.assertTrue(said.startswith("a.cc:21: a function of 62 lines"), said)

    def test_a_long_table_is_no_function(self):
        table = "constexpr std::array known = {\n" + "    One{1},\n" * 70 + "};\n"
        self.assertEqual(self.found(lint.functions, "a.cc", table), [])

    def test_a_lock_file_that_names_an_address_is_found(self):
        named = '{"packages": {"a": {"version": "1.0.0", "resolved": "https://mirror.example/a.tgz"}}}'
        self.assertEqual(len(self.found(lint.lock_files, "package-lock.json", named)), 1)
        unnamed = '{"packages": {"a": {"version": "1.0.0"}}}'
        self.assertEqual(self.found(lint.lock_files, "package-lock.json", unnamed), [])

    def test_a_script_that_goes_on_after_errors_is_found(self):
        self.assertEqual(len(self.found(lint.scripts, "a.sh", "#!/bin/bash\nfalse\n")), 1)


if __name__ == "__main__":
    unittest.main()
