/** The rules of the job, for both Java peers: the first rule whose type and region are the event's and whose least amount it
 *  reaches names the topic.
 *
 *  As fast as a careful hand would make it: Jackson's streaming parser, which stops as soon as it has seen the three fields
 *  (it neither reads nor validates what comes after them, as the router must), and a table by type and region that keeps
 *  the rules of one pair in order. Immutable; any thread. */
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

final class Rules {
    private record Rule(long least, String topic) {}

    private final JsonFactory json = new JsonFactory();
    private final Map<String, Map<String, List<Rule>>> table = new HashMap<>();
    private final String otherwise;

    /** Lines of type, region, least amount, topic, with tabs between; the last one is `* * 0 topic`. */
    Rules(String file) throws IOException {
        String last = null;
        for (String line : Files.readAllLines(Path.of(file))) {
            String[] w = line.split("\t");
            if (w[0].equals("*"))
                last = w[3];
            else
                table.computeIfAbsent(w[0], t -> new HashMap<>()).computeIfAbsent(w[1], r -> new ArrayList<>())
                    .add(new Rule(Long.parseLong(w[2]), w[3]));
        }
        otherwise = last;
    }

    String topic(byte[] event) {
        String type = null, region = null;
        long amount = -1;
        try (JsonParser p = json.createParser(event)) {
            p.nextToken();
            while ((type == null || region == null || amount < 0) && p.nextToken() == JsonToken.FIELD_NAME) {
                String name = p.currentName();
                p.nextToken();
                switch (name) {
                    case "type" -> type = p.getText();
                    case "region" -> region = p.getText();
                    case "amount" -> amount = p.getLongValue();
                    default -> p.skipChildren();
                }
            }
        } catch (IOException e) {
            return otherwise;
        }
        for (Rule rule : table.getOrDefault(type, Map.of()).getOrDefault(region, List.of()))
            if (amount >= rule.least)
                return rule.topic;
        return otherwise;
    }
}
