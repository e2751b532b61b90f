#!/usr/bin/env python3
"""An owner's program that takes each ticket once, even if Kafka delivers it again.

    python examples/consumer.py localhost:9092 tickets.partner partner-desk desk.db

The arguments are a broker, an outgoing topic, the consumer group, and a file for the database. Ctrl-C or SIGTERM ends it.
Needs the package confluent-kafka.

A ticket can come again: this program crashed before its commit, somebody reset its offsets, or the helpdesk sent the ticket twice.
The key and the decision id are then the same. So the work is stored with both in one transaction of the database, and the offset is
committed to Kafka after that. A crash between the two repeats the ticket, and the database recognizes it.
"""

import signal
import sqlite3
import sys

from confluent_kafka import Consumer

# Older decisions are forgotten, so that the table does not grow without bound. Choose longer than any repeat can be late: the
# retention of the outgoing topic.
REMEMBER = "-7 days"


def main(broker, topic, group, file):
    desk = open_desk(file)
    consumer = Consumer({
        "bootstrap.servers": broker,
        "group.id": group,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        # The offset is committed after the work, below.
        "enable.auto.commit": False,
    })
    consumer.subscribe([topic])
    try:
        while True:
            record = consumer.poll(1.0)
            if record is None:
                continue
            if record.error():
                print(f"retrying: {record.error()}", file=sys.stderr, flush=True)
                continue
            headers = dict(record.headers())
            decision = headers["ticket-router.decision-id"].decode()
            print(decision, "new" if take(desk, record.key() or b"", decision, record.value()) else "repeat", flush=True)
            consumer.commit(record, asynchronous=False)
    finally:
        consumer.close()
        desk.close()


def open_desk(file):
    desk = sqlite3.connect(file)
    desk.execute(
        "CREATE TABLE IF NOT EXISTS taken"
        " (key BLOB, decision TEXT, value BLOB, at TEXT DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (key, decision))"
    )
    desk.execute("CREATE INDEX IF NOT EXISTS taken_at ON taken (at)")
    return desk


def take(desk, key, decision, value):
    """Does the work of one ticket, and returns whether the ticket was new."""
    with desk:  # one transaction
        desk.execute("DELETE FROM taken WHERE at < datetime('now', ?)", (REMEMBER,))
        values = (key, decision, value)
        added = desk.execute("INSERT OR IGNORE INTO taken (key, decision, value) VALUES (?, ?, ?)", values)
        # Do the work here, if `added.rowcount` is 1. Storing the ticket is all that this example does.
        return added.rowcount == 1


def stop(_signal, _frame):
    sys.exit(0)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    main(*sys.argv[1:])
