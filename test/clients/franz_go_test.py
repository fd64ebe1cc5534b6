"""franz-go, Go's client of Kafka, as Go's module proxy brings it."""

import subprocess
import unittest

import access
import admin
import driven
import groups
import once
import records
from driven import BUILT, HERE, fetch


def command():
    source, program = HERE / "franz_go", BUILT / "franz_go"
    fetch(["go", "mod", "download"], source, "franz-go")
    subprocess.run(["go", "build", "-o", program, "."], cwd=source, check=True)
    return [program]


class FranzGo(driven.ClientTest):
    command = staticmethod(command)
    has = frozenset({"null headers", "max timestamp", "topic ids", "static members", "cooperative", "range", "sticky",
                     "incremental configs", "offset deletion", "log dirs", "passwords"})


class FranzGoRecordsTest(FranzGo, records.RecordsTest):
    pass


class FranzGoGroupsTest(FranzGo, groups.GroupsTest):
    pass


class FranzGoOnceTest(FranzGo, once.OnceTest):
    pass


class FranzGoAdminTest(FranzGo, admin.AdminTest):
    pass


class FranzGoPasswordTest(FranzGo, access.PasswordTest):
    pass


class FranzGoTlsTest(FranzGo, access.TlsTest):
    pass


class FranzGoMutualTlsTest(FranzGo, access.MutualTlsTest):
    pass


if __name__ == "__main__":
    unittest.main()
