import java.io.DataInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

import ticketrouter.v1.Decision;
import ticketrouter.v1.RoutedTicket;

/** Reads routed tickets in protobuf, each after its length, and writes one line of what it has read for each. */
public final class Decode {
    public static void main(String[] args) throws IOException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try (DataInputStream in = new DataInputStream(new FileInputStream(args[0]))) {
            while (in.available() > 0) {
                RoutedTicket routed = RoutedTicket.parseFrom(in.readNBytes(in.readInt()));
                Decision decision = routed.getDecision();
                out.println(String.join("\t",
                        routed.getTicket().getId(), String.valueOf(routed.getTicket().getCreatedAt().getSeconds()),
                        decision.getOwner().name(), decision.getAssigneeId(), decision.getRule(),
                        decision.getTriageReason().name(), routed.getOffer().getTitle(),
                        String.valueOf(decision.getContactsCount()), decision.getDecisionId()));
            }
        }
    }
}
