#!/usr/bin/env python3
"""Sends one ticket again, from the dead-letter topic or from triage.

    resend.py [--config client.properties] [--to tickets.incoming] BROKER:9092 TOPIC PARTITION OFFSET

What was the ticket goes to the incoming topic under its key, with its headers but those of the router. A record that does not
hold the ticket any more is refused, with the place where the ticket is. Needs the package confluent-kafka. The file of --config
holds librdkafka's settings, one `name=value` a line, for brokers that ask for a log-in.
"""

import argparse
import json
import sys

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

WAIT_S = 15
ERROR = "ticket-router.error."
# The broker decides what is too large.
MAX_BYTES = 1_000_000_000


class Refused(Exception):
    """The record holds no ticket that could be sent."""


def main():
    arguments = argparse.ArgumentParser(description="Sends one ticket again, from the dead-letter topic or from triage.")
    arguments.add_argument("broker")
    arguments.add_argument("topic")
    arguments.add_argument("partition", type=int)
    arguments.add_argument("offset", type=int)
    arguments.add_argument("--config", help="file of librdkafka's settings")
    arguments.add_argument("--to", default="tickets.incoming", help="topic to send it to")
    given = arguments.parse_args()
    try:
        client = {"bootstrap.servers": given.broker, **settings(given.config)}
        record = fetch(client, TopicPartition(given.topic, given.partition, given.offset), given.to)
        headers = record.headers() or []
        value = ticket_of(record.value(), headers)
        kept = [(name, value) for name, value in headers if not name.startswith("ticket-router.")]
        send(client, given.to, value, record.key(), kept)
    except (Refused, OSError) as error:
        sys.exit(f"not sent: {error}")
    except KafkaException as error:
        sys.exit(f"not sent: {error.args[0]}")
    print(f"sent to {given.to}, {len(value)} bytes")


def settings(file):
    if file is None:
        return {}
    with open(file, encoding="utf-8") as lines:
        return dict(line.strip().split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def fetch(client, place, target):
    reading = {"group.id": "resend", "enable.auto.commit": False, "auto.offset.reset": "error"}
    consumer = Consumer({**reading, **client})
    try:
        # A producer may create the topic that it writes to; a consumer that asks never does.
        for topic in (place.topic, target):
            error = consumer.list_topics(topic, WAIT_S).topics[topic].error
            if error:
                raise Refused(f"topic {topic}: {error}")
        consumer.assign([place])
        record = consumer.poll(WAIT_S)
    finally:
        consumer.close()
    if record is None or record.error():
        why = record.error() if record else "the broker does not answer, or there is no such record"
        raise Refused(f"nothing was read from {place.topic}, partition {place.partition}, offset {place.offset}: {why}")
    if record.offset() != place.offset:
        raise Refused(f"there is no record at offset {place.offset}; the next one is at {record.offset()}")
    return record


def ticket_of(value, headers):
    """Returns the bytes that once came in, from a dead letter or a routed ticket."""
    text = {name: (value or b"").decode(errors="replace") for name, value in headers}
    reason = text.get(ERROR + "reason")
    if reason is None and "ticket-router.decision-id" not in text:
        raise Refused("the router did not write this record: it has none of the headers ticket-router.*")
    if reason is not None:
        place = [text.get(ERROR + name) for name in ("topic", "partition", "offset")]
        if None in place:
            raise Refused(f"the router did not write this record: it has {ERROR}reason, but does not say where it came from")
        origin = "topic {}, partition {}, offset {}".format(*place)
        if reason == "DEAD_LETTER_TRUNCATED":
            raise Refused(f"the dead letter does not hold the ticket, which was too large for it. The ticket came from {origin}: fetch it there")
        if not value:
            raise Refused(f"the record that came from {origin} has no value, so there is no ticket in it ({reason})")
        return value
    if not value:
        raise Refused("the record has no value, so there is no ticket in it")
    try:
        return first_field(value, text.get("content-type"))
    except (ValueError, IndexError) as error:
        raise Refused("the value is no routed ticket") from error


def first_field(routed, content_type):
    """Takes the ticket out of a routed ticket, byte for byte; it is the first field in both formats."""
    if content_type == "application/json":
        text, start = routed.decode(), len('{"ticket":')
        if not text.startswith('{"ticket":{'):
            raise ValueError(text[:start])
        _, end = json.JSONDecoder().raw_decode(text, start)
        return text[start:end].encode()
    if content_type != "application/protobuf" or routed[0] != 0x0A:
        raise ValueError(content_type)
    length, shift, at = 0, 0, 1
    while True:
        byte = routed[at]
        length |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            break
    if length == 0 or at + length > len(routed):
        raise ValueError(length)
    return routed[at : at + length]


def send(client, topic, value, key, headers):
    # As Java clients do it: a key stays in its partition.
    producer = Producer({"acks": "all", "partitioner": "murmur2_random", "message.max.bytes": MAX_BYTES, **client})
    answers = []
    producer.produce(topic, value, key, headers=headers, on_delivery=lambda error, _: answers.append(error))
    producer.flush(WAIT_S)
    if answers != [None]:
        raise Refused(answers[0] if answers else "the broker does not answer")


if __name__ == "__main__":
    main()
