#!/usr/bin/env python3
"""A helpdesk that sends its tickets to the router.

    python examples/producer.py localhost:9092 tickets.incoming < samples/tickets.jsonl

Each line of standard input is one ticket, as JSON. Needs the package confluent-kafka.
"""

import json
import sys

from confluent_kafka import Producer


def main(broker, topic):
    producer = Producer({
        "bootstrap.servers": broker,
        # Without these two, a broker's crash can lose a ticket or store it twice.
        "acks": "all",
        "enable.idempotence": True,
    })
    failed = []

    def delivered(error, _record):
        if error is not None:
            failed.append(error)

    for line in sys.stdin:
        ticket = json.loads(line)
        # All states of one ticket have one key, so they stay in order.
        key = f"{ticket['source']}/{ticket['id']}"
        headers = {"content-type": "application/json"}
        producer.produce(topic, line.strip(), key, headers=headers, on_delivery=delivered)
        producer.poll(0)
    # `produce` only queues a ticket. It is sent when its delivery report says so.
    unsent = producer.flush(60)
    if failed or unsent:
        sys.exit(f"not sent: {len(failed)} refused, {unsent} without an answer; {failed[:1]}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
