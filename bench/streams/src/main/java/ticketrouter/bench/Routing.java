package ticketrouter.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** A ticket on its way through the joins; {@code ticket} is null where the bytes could not be read. */
record Routing(
    byte[] bytes,
    JsonNode ticket,
    JsonNode offer,
    JsonNode publisher,
    JsonNode partner,
    JsonNode provider,
    Decision decision) {

  static Routing read(byte[] bytes) {
    JsonNode ticket = null;
    try {
      JsonNode read = bytes == null ? null : Json.read(bytes);
      ticket = read != null && read.isObject() && !Json.text(read, "id").isEmpty() ? read : null;
    } catch (SerializationException exception) {
      // It goes to the dead-letter topic as it is.
    }
    return new Routing(bytes, ticket, null, null, null, null, null);
  }

  String role() {
    return ticket == null ? "" : Json.text(ticket.path("requester"), "role");
  }

  String requesterId() {
    return ticket == null ? "" : Json.text(ticket.path("requester"), "id");
  }

  /** The key to join with; null where the ticket names no offer. */
  String offerId() {
    return orNull(Json.text(ticket, "offerId"));
  }

  String publisherId() {
    if (offer != null) {
      return orNull(Json.text(offer, "publisherId"));
    }
    return role().equals("ROLE_PUBLISHER") ? orNull(requesterId()) : null;
  }

  String partnerId() {
    return orNull(role().equals("ROLE_PARTNER") ? requesterId() : Json.text(ticket, "partnerId"));
  }

  String providerId() {
    return orNull(Json.text(partner, "providerId"));
  }

  Routing withOffer(JsonNode found) {
    return new Routing(bytes, ticket, found, publisher, partner, provider, decision);
  }

  Routing withPublisher(JsonNode found) {
    return new Routing(bytes, ticket, offer, found, partner, provider, decision);
  }

  Routing withPartner(JsonNode found) {
    return new Routing(bytes, ticket, offer, publisher, found, provider, decision);
  }

  Routing withProvider(JsonNode found) {
    return new Routing(bytes, ticket, offer, publisher, partner, found, decision);
  }

  Routing withDecision(Decision made) {
    return new Routing(bytes, ticket, offer, publisher, partner, provider, made);
  }

  /** Writes routed tickets; nothing reads them here. */
  static Serde<Routing> serde() {
    return Serdes.serdeFrom(
        (topic, routing) -> routing.write(),
        (topic, bytes) -> {
          throw new UnsupportedOperationException();
        });
  }

  private byte[] write() {
    if (ticket == null) {
      return bytes;
    }
    ObjectNode routed = Json.MAPPER.createObjectNode();
    routed.set("ticket", ticket);
    set(routed, "offer", offer);
    set(routed, "publisher", publisher);
    set(routed, "partner", partner);
    set(routed, "provider", provider);
    routed.set("decision", decision.json());
    return Json.write(routed);
  }

  private static void set(ObjectNode object, String field, JsonNode value) {
    if (value != null) {
      object.set(field, value);
    }
  }

  private static String orNull(String text) {
    return text.isEmpty() ? null : text;
  }
}
