package ticketrouter.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** JSON text to Jackson's trees and back. Trees keep the fields that this program does not know. */
final class Json {
  static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  static Serde<JsonNode> serde() {
    return Serdes.serdeFrom((topic, node) -> write(node), (topic, bytes) -> bytes == null ? null : read(bytes));
  }

  static byte[] write(JsonNode node) {
    try {
      return MAPPER.writeValueAsBytes(node);
    } catch (JsonProcessingException exception) {
      throw new SerializationException(exception);
    }
  }

  static JsonNode read(byte[] bytes) {
    try {
      return MAPPER.readTree(bytes);
    } catch (IOException exception) {
      throw new SerializationException(exception);
    }
  }

  /** The text of a field; empty where there is none. */
  static String text(JsonNode object, String field) {
    return object == null ? "" : object.path(field).asText("");
  }
}
