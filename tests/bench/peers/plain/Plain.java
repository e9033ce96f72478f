/** The job by hand: consume, route by Jackson, produce, at least once.
 *
 *      java Plain BROKERS GROUP IN HEADER RULES        HEADER: 1 adds veltrix-release, 0 does not
 *
 *  One thread polls, routes and hands over; an offset is committed once every event before it is acknowledged. */
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public final class Plain {
    /** What one poll returned: done when nothing of it is outstanding. */
    private record Batch(Map<TopicPartition, OffsetAndMetadata> next, AtomicInteger outstanding) {}

    private static volatile boolean running = true;

    private static Properties consumer(String brokers, String group) {
        Properties p = new Properties();
        p.put("bootstrap.servers", brokers);
        p.put("group.id", group);
        p.put("enable.auto.commit", "false"); // at least once: offsets are committed below
        p.put("auto.offset.reset", "earliest");
        p.put("isolation.level", "read_committed");
        p.put("max.poll.records", "2000"); // the default of 500 is for slow handlers; fewer turns of the loop
        // fetch.min.bytes stays 1 and fetch.max.wait.ms 500: an event is fetched as soon as it is there
        return p;
    }

    private static Properties producer(String brokers) {
        Properties p = new Properties();
        p.put("bootstrap.servers", brokers);
        p.put("acks", "all");
        p.put("enable.idempotence", "true");
        p.put("linger.ms", "5"); // the default of 4.x; a batch waits half as long, for a request takes along what other partitions have
        p.put("batch.size", "131072"); // Kafka's own tuning advice for throughput: 100 to 200 KB
        p.put("buffer.memory", "134217728"); // as much as the router may have on its way
        p.put("delivery.timeout.ms", "600000"); // a slow broker is waited for, not an error
        return p;
    }

    public static void main(String[] args) throws Exception {
        Rules rules = new Rules(args[4]);
        byte[] release = args[3].equals("1") ? new byte[] {'1'} : null;
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            running = false;
            try {
                main.join(20000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
        try (var consumer = new KafkaConsumer<>(consumer(args[0], args[1]), new ByteArrayDeserializer(), new ByteArrayDeserializer());
             var producer = new KafkaProducer<>(producer(args[0]), new ByteArraySerializer(), new ByteArraySerializer())) {
            consumer.subscribe(List.of(args[2]));
            run(consumer, producer, rules, release);
        }
    }

    private static void run(KafkaConsumer<byte[], byte[]> consumer, KafkaProducer<byte[], byte[]> producer, Rules rules,
            byte[] release) {
        ArrayDeque<Batch> batches = new ArrayDeque<>();
        Map<TopicPartition, OffsetAndMetadata> done = new HashMap<>();
        long committed = System.nanoTime();
        while (running) {
            ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(100));
            if (!records.isEmpty())
                batches.add(forward(records, producer, rules, release));
            while (!batches.isEmpty() && batches.peek().outstanding.get() == 0)
                done.putAll(batches.poll().next);
            if (System.nanoTime() - committed >= 1_000_000_000L && !done.isEmpty()) { // as often as the router
                consumer.commitAsync(done, null);
                done = new HashMap<>();
                committed = System.nanoTime();
            }
        }
        producer.flush();
        for (Batch b : batches)
            done.putAll(b.next);
        consumer.commitSync(done);
    }

    private static Batch forward(ConsumerRecords<byte[], byte[]> records, KafkaProducer<byte[], byte[]> producer, Rules rules,
            byte[] release) {
        Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
        for (TopicPartition p : records.partitions()) {
            List<ConsumerRecord<byte[], byte[]>> of = records.records(p);
            next.put(p, new OffsetAndMetadata(of.get(of.size() - 1).offset() + 1));
        }
        Batch batch = new Batch(next, new AtomicInteger(records.count()));
        for (ConsumerRecord<byte[], byte[]> r : records) {
            var out = new ProducerRecord<>(rules.topic(r.value()), null, r.timestamp(), r.key(), r.value(), r.headers());
            if (release != null)
                out.headers().add("veltrix-release", release);
            producer.send(out, (metadata, failure) -> {
                if (failure != null) {
                    failure.printStackTrace();
                    Runtime.getRuntime().halt(2);
                }
                batch.outstanding.decrementAndGet();
            });
        }
        return batch;
    }
}
