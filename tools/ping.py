# SPDX-License-Identifier: MIT
"""ping.py URL: asks a Redis or MongoDB server for a sign of life; exit status 0, or 1 with the reason."""

import sys


def ping(url):
    if url.startswith(("mongodb://", "mongodb+srv://")):
        import pymongo

        client = pymongo.MongoClient(url, serverSelectionTimeoutMS=2000)
        client.admin.command("ping")
    else:
        import redis

        redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2).ping()


def main():
    try:
        ping(sys.argv[1])
    except Exception as error:  # whatever the client library raises: refused, time-out, wrong password, bad address
        print(str(error).split(", Timeout:")[0], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
