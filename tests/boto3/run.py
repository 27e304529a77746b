#!/usr/bin/env python3
"""Drives the simulator and the binary with boto3, a client that shares nothing with Bedrail.

    python3 -m venv venv && venv/bin/pip install 'boto3>=1.44.5'
    venv/bin/python tests/boto3/run.py target/debug/bedrail [name of a test …]

Each `test_*.py` beside this file is one theme. The last line reads `N passed, M failed`; the exit
code is 0 only if M is 0. Whatever the simulator says it can answer must have been answered with
success at least once (`/_simulator/operations`), unless tests were named.
"""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from stage import HERE, Case, Simulator


class Count(unittest.TextTestResult):
    """Counts tests, a test with several failures once."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1

    def failed(self):
        broken = {test.id().split(" ")[0] for test, _ in self.failures + self.errors}
        return len(broken) + len(self.unexpectedSuccesses)


class Coverage(Case):
    """The last test: what the others have called."""

    def runTest(self):
        """Every simulated operation was answered with success at least once."""
        operations = set(self.simulator.admin("operations")["operations"])
        calls = self.simulator.admin("calls/log")["calls"]
        answered = {call["operation"] for call in calls if "code" not in call}
        self.assertEqual(sorted(operations - answered), [], "never answered")
        self.assertEqual(sorted(answered - operations), [], "answered but not listed")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    Simulator.binary = str(pathlib.Path(sys.argv[1]).resolve())
    names = sys.argv[2:]
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{name}*" for name in names] or None
    suite = loader.discover(str(HERE), pattern="test_*.py")
    if not names:
        suite.addTest(Coverage())
    Case.simulator = Simulator(str(HERE / "organization.yaml"))
    try:
        result = unittest.TextTestRunner(verbosity=2, resultclass=Count).run(suite)
    finally:
        Case.simulator.close()
    # After the runner's own summary on stderr.
    sys.stderr.flush()
    print(f"{result.passed} passed, {result.failed()} failed", flush=True)
    sys.exit(0 if result.passed and not result.failed() else 1)


if __name__ == "__main__":
    main()
