"""Apache's Java client, as Maven brings it."""

import shutil
import subprocess
import unittest

import access
import admin
import driven
import groups
import once
import records
from driven import BUILT, HERE, Missing
import kafka_tools  # of the tests beside, which driven makes known


def command():
    """Compiles the program against the jars of the newest client."""
    if shutil.which("javac") is None:
        raise Missing("Java: javac is not installed; Debian has it in openjdk-17-jdk-headless")
    try:
        jars = kafka_tools.class_path()
    except kafka_tools.Missing as why:
        raise Missing(str(why)) from why
    classes = BUILT / "java"
    subprocess.run(["javac", "-d", classes, "-cp", jars, *(HERE / "java").glob("*.java")], check=True)
    return ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{classes}:{jars}", "Drive"]


class Java(driven.ClientTest):
    command = staticmethod(command)
    has = frozenset({"null headers", "max timestamp", "topic ids", "static members", "patient members", "cooperative", "range", "sticky",
                     "incremental configs", "offset deletion", "log dirs", "passwords"})


class JavaRecordsTest(Java, records.RecordsTest):
    pass


class JavaAdminTest(Java, admin.AdminTest):
    pass


class JavaGroupsTest(Java, groups.GroupsTest):
    pass


class JavaOnceTest(Java, once.OnceTest):
    pass


class JavaPasswordTest(Java, access.PasswordTest):
    pass


class JavaTlsTest(Java, access.TlsTest):
    pass


class JavaMutualTlsTest(Java, access.MutualTlsTest):
    pass


if __name__ == "__main__":
    unittest.main()
