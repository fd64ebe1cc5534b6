"""KafkaJS, a client for Node.js, as npm brings it."""

import shutil
import unittest

import access
import admin
import driven
import groups
import once
import records
from driven import BUILT, HERE, fetch


def command():
    """Its sources with what npm brings, beside what else is built."""
    program = BUILT / "kafkajs"
    shutil.copytree(HERE / "kafkajs", program, dirs_exist_ok=True)
    fetch(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], program, "KafkaJS")
    return ["node", program / "main.js"]


class KafkaJs(driven.ClientTest):
    command = staticmethod(command)
    has = frozenset({"reads in groups"})


class KafkaJsRecordsTest(KafkaJs, records.RecordsTest):
    pass


class KafkaJsGroupsTest(KafkaJs, groups.GroupsTest):
    pass


class KafkaJsOnceTest(KafkaJs, once.OnceTest):
    tears_answers = False  # it takes what is left of one for the beginning of the next connection's, and ends with a RangeError


class KafkaJsAdminTest(KafkaJs, admin.AdminTest):
    pass


class KafkaJsPasswordTest(KafkaJs, access.PasswordTest):
    group_refusal = "KafkaJSGroupCoordinatorNotFound"  # whatever the server says when it is asked for the coordinator


class KafkaJsTlsTest(KafkaJs, access.TlsTest):
    pass


class KafkaJsMutualTlsTest(KafkaJs, access.MutualTlsTest):
    pass


if __name__ == "__main__":
    unittest.main()
