package ticketrouter.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Who owns a ticket, and why. Empty strings are left out. */
record Decision(
    String owner,
    String assigneeId,
    String rule,
    String reason,
    List<String> clauses,
    List<Contact> contacts,
    Party next,
    String triageReason,
    String decisionId) {

  /** The digest of a policy that is built in. */
  static final String POLICY_VERSION = "5d1f0c6a7be94f2f9b3cf1d0a2e48c77";

  record Contact(String kind, String address) {}

  record Party(String owner, String id) {}

  ObjectNode json() {
    ObjectNode object = Json.MAPPER.createObjectNode();
    put(object, "owner", owner);
    put(object, "assigneeId", assigneeId);
    put(object, "rule", rule);
    put(object, "reason", reason);
    if (!clauses.isEmpty()) {
      ArrayNode list = object.putArray("clauses");
      clauses.forEach(list::add);
    }
    if (!contacts.isEmpty()) {
      ArrayNode list = object.putArray("contacts");
      for (Contact contact : contacts) {
        list.addObject().put("kind", contact.kind()).put("address", contact.address());
      }
    }
    if (next != null) {
      ObjectNode party = object.putObject("next");
      put(party, "owner", next.owner());
      put(party, "assigneeId", next.id());
    }
    put(object, "triageReason", triageReason);
    object.put("policyVersion", POLICY_VERSION);
    object.put("decisionId", decisionId);
    return object;
  }

  private static void put(ObjectNode object, String field, String value) {
    if (!value.isEmpty()) {
      object.put(field, value);
    }
  }
}
