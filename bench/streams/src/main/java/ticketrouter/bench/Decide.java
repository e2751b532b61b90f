package ticketrouter.bench;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/** Decides, and says in headers what consumers filter by. */
final class Decide implements FixedKeyProcessor<String, Routing, Routing> {
  private FixedKeyProcessorContext<String, Routing> context;

  @Override
  public void init(FixedKeyProcessorContext<String, Routing> context) {
    this.context = context;
  }

  @Override
  public void process(FixedKeyRecord<String, Routing> record) {
    Routing routing = record.value();
    if (routing.ticket() == null) {
      add(record.headers(), "ticket-router.error.reason", "INVALID_JSON");
      context.forward(record);
      return;
    }
    Decision decision = Rules.decide(routing);
    Headers headers = record.headers();
    add(headers, "content-type", "application/json");
    add(headers, "ticket-router.owner", decision.owner().isEmpty() ? "OWNER_UNSPECIFIED" : decision.owner());
    if (!decision.rule().isEmpty()) {
      add(headers, "ticket-router.rule", decision.rule());
    }
    add(headers, "ticket-router.decision-id", decision.decisionId());
    add(headers, "ticket-router.policy-version", Decision.POLICY_VERSION);
    context.forward(record.withValue(routing.withDecision(decision)));
  }

  private static void add(Headers headers, String name, String value) {
    headers.add(name, value.getBytes(StandardCharsets.UTF_8));
  }
}
