// Decode reads routed tickets in protobuf, each after its length, and writes one line of what it has read for each.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"os"

	"google.golang.org/protobuf/proto"
	ticketrouterv1 "ticketrouter/v1"
)

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	reader := bufio.NewReader(file)
	for {
		var length uint32
		if err := binary.Read(reader, binary.BigEndian, &length); err == io.EOF {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		data := make([]byte, length)
		if _, err := io.ReadFull(reader, data); err != nil {
			log.Fatal(err)
		}
		routed := &ticketrouterv1.RoutedTicket{}
		if err := proto.Unmarshal(data, routed); err != nil {
			log.Fatal(err)
		}
		decision := routed.GetDecision()
		fmt.Printf("%s\t%d\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n",
			routed.GetTicket().GetId(), routed.GetTicket().GetCreatedAt().GetSeconds(), decision.GetOwner(),
			decision.GetAssigneeId(), decision.GetRule(), decision.GetTriageReason(), routed.GetOffer().GetTitle(),
			len(decision.GetContacts()), decision.GetDecisionId())
	}
}
