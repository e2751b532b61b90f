"""What an owner's own program could be: reads RoutedTickets with classes that protoc generated.

Each line of standard input is one record's value in hexadecimal; each line of standard output says what the program understood.
Its argument is the folder with the generated modules.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from google.protobuf import json_format  # noqa: E402
from ticketrouter.v1 import routing_pb2  # noqa: E402

for line in sys.stdin:
    value = bytes.fromhex(line)
    # In triage a ticket is in the format it came in.
    is_json = value.startswith(b"{")
    if is_json:
        routed = json_format.Parse(value, routing_pb2.RoutedTicket(), ignore_unknown_fields=True)
    else:
        routed = routing_pb2.RoutedTicket.FromString(value)
    owner = routing_pb2.Decision.Owner.Name(routed.decision.owner)
    understood = {
        "id": routed.ticket.id,
        "body": routed.ticket.body,
        "offer": routed.offer.title,
        "owner": owner,
        "assignee": routed.decision.assignee_id,
        "unknown": not is_json and len(routed.SerializeToString()) != len(value),
    }
    print(json.dumps(understood))
