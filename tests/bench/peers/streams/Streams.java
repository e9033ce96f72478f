/** The job in Kafka Streams: one stream, a header, a topic by rules. No state, no repartitioning.
 *
 *      java Streams BROKERS APPLICATION IN HEADER RULES STATE_DIR
 */
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

public final class Streams {
    private static final byte[] RELEASE = {'1'};

    private static final class AddHeader extends ContextualFixedKeyProcessor<byte[], byte[], byte[]> {
        @Override
        public void process(FixedKeyRecord<byte[], byte[]> record) {
            record.headers().add("veltrix-release", RELEASE);
            context().forward(record);
        }
    }

    private static Properties settings(String[] args) {
        Properties p = new Properties();
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
        p.put(StreamsConfig.STATE_DIR_CONFIG, args[5]);
        p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Runtime.getRuntime().availableProcessors()); // the advice: one a core
        p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000); // as often as the router; the default is 30 s
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        p.put(StreamsConfig.consumerPrefix("max.poll.records"), 2000); // the default of 1,000 is for slow processors
        p.put(StreamsConfig.consumerPrefix("isolation.level"), "read_committed");
        p.put(StreamsConfig.producerPrefix("linger.ms"), 5); // Streams' own 100 ms would be its latency
        p.put(StreamsConfig.producerPrefix("batch.size"), 131072); // Kafka's own tuning advice for throughput
        p.put(StreamsConfig.producerPrefix("buffer.memory"), 134217728L);
        p.put(StreamsConfig.producerPrefix("acks"), "all");
        p.put(StreamsConfig.producerPrefix("enable.idempotence"), true);
        return p;
    }

    public static void main(String[] args) throws Exception {
        Rules rules = new Rules(args[4]);
        StreamsBuilder builder = new StreamsBuilder();
        KStream<byte[], byte[]> events = builder.stream(args[2], Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()));
        if (args[3].equals("1"))
            events = events.processValues(AddHeader::new);
        // A topic by extractor is twice as cheap as split().branch() with a predicate a rule.
        events.to((key, value, context) -> rules.topic(value), Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings(args));
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close();
            stopped.countDown();
        }));
        streams.start();
        stopped.await();
    }
}
