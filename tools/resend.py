#!/usr/bin/env python3
"""Sends one ticket again, from the dead-letter topic or from triage.

    resend.py [--config client.properties] [--to tickets.incoming] BROKER:9092 TOPIC PARTITION OFFSET

What was the ticket goes to the incoming topic under its key, with its headers but those of the router. Needs the package
confluent-kafka. The file of --config holds librdkafka's settings, one `name=value` a line, for brokers that ask for a log-in.
"""

import argparse
import json
import sys

from confluent_kafka import Consumer, Producer, TopicPartition

WAIT_S = 15


def main():
    arguments = argparse.ArgumentParser(description="Sends one ticket again, from the dead-letter topic or from triage.")
    arguments.add_argument("broker")
    arguments.add_argument("topic")
    arguments.add_argument("partition", type=int)
    arguments.add_argument("offset", type=int)
    arguments.add_argument("--config", help="file of librdkafka's settings")
    arguments.add_argument("--to", default="tickets.incoming", help="topic to send it to")
    given = arguments.parse_args()
    client = {"bootstrap.servers": given.broker, **settings(given.config)}

    record = fetch(client, TopicPartition(given.topic, given.partition, given.offset))
    headers = record.headers() or []
    if any(name == "ticket-router.error.reason" for name, _ in headers):
        value = record.value()
    elif any(name == "ticket-router.decision-id" for name, _ in headers):
        value = ticket_of(record.value(), dict(headers)["content-type"])
    else:
        sys.exit("the record was not written by the router")
    kept = [(name, value) for name, value in headers if not name.startswith("ticket-router.")]

    # As Java clients do it: a key stays in its partition.
    producer = Producer({"acks": "all", "partitioner": "murmur2_random", **client})
    failed = []
    producer.produce(given.to, value, record.key(), headers=kept, on_delivery=lambda error, _: failed.append(error))
    producer.flush(WAIT_S)
    if failed != [None]:
        sys.exit(f"not sent: {failed[0] if failed else 'the broker does not answer'}")
    print(f"sent to {given.to}, {len(value)} bytes")


def settings(file):
    if file is None:
        return {}
    with open(file, encoding="utf-8") as lines:
        return dict(line.strip().split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def fetch(client, place):
    consumer = Consumer({"group.id": "resend", "enable.auto.commit": False, **client})
    consumer.assign([place])
    record = consumer.poll(WAIT_S)
    consumer.close()
    if record is None or record.error():
        sys.exit(f"nothing read: {record.error() if record else 'the broker does not answer, or there is no such record'}")
    if record.offset() != place.offset:
        sys.exit(f"there is no record at offset {place.offset}; the next one is at {record.offset()}")
    return record


def ticket_of(routed, content_type):
    """Takes the ticket out of a routed ticket, byte for byte; it is the first field in both formats."""
    if content_type == b"application/json":
        text, start = routed.decode(), len('{"ticket":')
        _, end = json.JSONDecoder().raw_decode(text, start)
        return text[start:end].encode()
    if routed[0] != 0x0A:
        sys.exit("the record is no routed ticket in protobuf")
    length, shift, at = 0, 0, 1
    while True:
        byte = routed[at]
        length |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            return routed[at : at + length]


if __name__ == "__main__":
    main()
