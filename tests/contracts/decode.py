"""Reads routed tickets in JSON, one a line; writes them in protobuf to a file, and one line of what it has read for each."""

import sys
from pathlib import Path

from google.protobuf import json_format
from ticketrouter.v1.routing_pb2 import Decision, RoutedTicket


def main(json_file, protobuf_file):
    with open(protobuf_file, "wb") as out:
        for line in Path(json_file).read_text(encoding="utf-8").splitlines():
            # Helpdesks may be newer than the contract: without this, an enum value that it does not know is an error.
            data = json_format.Parse(line, RoutedTicket(), ignore_unknown_fields=True).SerializeToString()
            out.write(len(data).to_bytes(4, "big") + data)
            print(seen(RoutedTicket.FromString(data)))


def seen(routed):
    decision = routed.decision
    return "\t".join([
        routed.ticket.id,
        str(routed.ticket.created_at.seconds),
        Decision.Owner.Name(decision.owner),
        decision.assignee_id,
        decision.rule,
        Decision.TriageReason.Name(decision.triage_reason),
        routed.offer.title,
        str(len(decision.contacts)),
        decision.decision_id,
    ])


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main(*sys.argv[1:])
