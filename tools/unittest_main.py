# SPDX-License-Identifier: MIT
"""unittest_main.py FILE: runs a file of unittest tests and prints each as cmocka does, for run_tests.py."""

import importlib.util
import pathlib
import sys
import unittest


class Result(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.verdict = "      OK"
        print(f"[ RUN      ] {test._testMethodName}", flush=True)

    def stopTest(self, test):
        print(f"[ {self.verdict} ] {test._testMethodName}", flush=True)
        super().stopTest(test)

    def fail_with(self, test, error):
        self.verdict = "  FAILED"
        print(self._exc_info_to_string(error, test), flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        if isinstance(test, unittest.TestCase):
            self.fail_with(test, err)
        else:  # setUpClass and the like: no test function has begun
            print(f"[ RUN      ] {test.id()}".replace(" (", "("))
            print(self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.fail_with(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            print(subtest)
            self.fail_with(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.verdict = " SKIPPED"
        print(reason)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.verdict = "  FAILED"


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    result = Result()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
