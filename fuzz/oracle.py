#!/usr/bin/env python3
"""Are these files read as Python's configparser reads them under Paste Deploy?

    python3 fuzz/oracle.py --tools DIRECTORY [--bin PASTELINE] [--most N] PATH...

Paths are files, or directories of files such as `fuzz/corpus/parse`. In the directory of tools lie `oracle.py`, which
asks Paste Deploy itself (PyPI's PasteDeploy and Paste), and `agree.py`, which compares. Python is asked in this process;
pasteline is run once a file, as `show --sections --format json`. Prints each difference, and at the end the counts; the
exit status is 1 if there is a difference.
"""
import argparse
import os
import sys


def files(paths):
    for path in paths:
        if os.path.isdir(path):
            yield from sorted(os.path.join(path, name) for name in os.listdir(path))
        else:
            yield path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--tools', required=True, metavar='DIRECTORY')
    parser.add_argument('--bin', default='target/release/pasteline', metavar='PASTELINE')
    parser.add_argument('--most', type=int, default=sys.maxsize, metavar='N', help='look at no more than N files')
    parser.add_argument('paths', nargs='+', metavar='PATH')
    arguments = parser.parse_args()
    sys.path.insert(0, os.path.abspath(arguments.tools))
    import agree
    import oracle
    oracle.install()
    alike = different = 0
    for file, _ in zip(files(arguments.paths), range(arguments.most)):
        here = os.path.dirname(os.path.abspath(file))
        expected = agree.substitute(oracle.guard(oracle.ini, file)[0], [(here, '${here}')])
        found = agree.run(arguments.bin, file, here, '--sections')
        difference = agree.sections(expected, found)
        if difference:
            different += 1
            print(f'{file}: {difference}')
        else:
            alike += 1
    print(f'{alike} read alike, {different} not')
    return 1 if different or not alike else 0


if __name__ == '__main__':
    sys.exit(main())
