"""What an owner's own program could be: reads RoutedTickets with classes that protoc generated.

Each line of standard input is one record's value in hexadecimal; each line of standard output says what the program understood.
Its argument is the folder with the generated modules.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from ticketrouter.v1 import routing_pb2  # noqa: E402

for line in sys.stdin:
    routed = routing_pb2.RoutedTicket.FromString(bytes.fromhex(line))
    owner = routing_pb2.Decision.Owner.Name(routed.decision.owner)
    understood = {
        "id": routed.ticket.id,
        "body": routed.ticket.body,
        "offer": routed.offer.title,
        "owner": owner,
        "assignee": routed.decision.assignee_id,
        "unknown": len(routed.SerializeToString()) != len(line) // 2,
    }
    print(json.dumps(understood))
