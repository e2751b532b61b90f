package ticketrouter.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.GlobalKTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The router's job in Kafka Streams: a stream of tickets, joined with three global tables, decided, enriched, and sent to the topic of
 * its owner, exactly once.
 *
 * <p>Arguments: bootstrap servers, application id, state folder, input topic, the three catalog topics, the five output topics.
 */
public final class StreamsRouter {
  private StreamsRouter() {}

  public static void main(String[] arguments) {
    StreamsBuilder builder = new StreamsBuilder();
    Serde<JsonNode> json = Json.serde();
    GlobalKTable<String, JsonNode> offers = table(builder, arguments[4], json);
    GlobalKTable<String, JsonNode> publishers = table(builder, arguments[5], json);
    GlobalKTable<String, JsonNode> partners = table(builder, arguments[6], json);
    Topics topics = new Topics(arguments[7], arguments[8], arguments[9], arguments[10], arguments[11]);

    builder.stream(arguments[3], Consumed.with(Serdes.String(), Serdes.ByteArray()))
        .mapValues(Routing::read)
        .leftJoin(offers, (key, routing) -> routing.offerId(), Routing::withOffer)
        .leftJoin(publishers, (key, routing) -> routing.publisherId(), Routing::withPublisher)
        .leftJoin(partners, (key, routing) -> routing.partnerId(), Routing::withPartner)
        .leftJoin(partners, (key, routing) -> routing.providerId(), Routing::withProvider)
        .processValues(Decide::new)
        .to((key, routing, context) -> topics.of(routing), Produced.with(Serdes.String(), Routing.serde()));

    KafkaStreams streams = new KafkaStreams(builder.build(), settings(arguments));
    streams.setUncaughtExceptionHandler(
        exception -> {
          exception.printStackTrace();
          Runtime.getRuntime().halt(1);
          return null;
        });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  /** The catalog is small: in memory it costs less than in RocksDB. */
  private static GlobalKTable<String, JsonNode> table(StreamsBuilder builder, String topic, Serde<JsonNode> json) {
    Materialized<String, JsonNode, KeyValueStore<Bytes, byte[]>> inMemory =
        Materialized.<String, JsonNode>as(Stores.inMemoryKeyValueStore(topic)).withKeySerde(Serdes.String()).withValueSerde(json);
    return builder.globalTable(topic, Consumed.with(Serdes.String(), json), inMemory);
  }

  private static Properties settings(String[] arguments) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[1]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[2]);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "none");
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1024);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64 * 1024 * 1024);
    settings.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5_000);
    settings.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG), 100);
    // The tables are restored one partition after the other, and each end is waited for this long.
    settings.put(StreamsConfig.globalConsumerPrefix(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG), 20);
    return settings;
  }

  /** The outgoing topics. */
  record Topics(String partner, String publisher, String commerce, String triage, String deadLetter) {
    String of(Routing routing) {
      if (routing.ticket() == null) {
        return deadLetter;
      }
      return switch (routing.decision().owner()) {
        case "OWNER_PARTNER" -> partner;
        case "OWNER_PUBLISHER" -> publisher;
        case "OWNER_MICROSOFT_COMMERCE" -> commerce;
        default -> triage;
      };
    }
  }
}
