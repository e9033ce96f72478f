/* Event Ruler behind the commands of bench_match (tests/bench/match.c), so that match.py drives both alike:
 *
 *     events FILE        one event a line
 *     config FILE        one rule a line, as Event Ruler reads it; line n is rule n
 *     check FILE         compares the first matching rule of every event with the file's lines
 *     time SECONDS       as long again before it counts; the median of five rounds
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import software.amazon.event.ruler.Machine;

public class Reference {
    private static final int ROUNDS = 5;
    private static final int CLOCK_EVERY = 64;
    private static List<String> events = List.of();
    private static Machine machine;
    private static int next;
    private static long found; // what the matches amount to, so that nothing can be left out

    private static int firstMatch(String event) throws Exception {
        int first = Integer.MAX_VALUE;
        for (String name : machine.rulesForJSONEvent(event)) {
            first = Math.min(first, Integer.parseInt(name));
        }
        return first == Integer.MAX_VALUE ? -1 : first;
    }

    private static String config(String file) throws Exception {
        long start = System.nanoTime();
        machine = Machine.builder().build();
        int count = 0;
        for (String rule : Files.readAllLines(Path.of(file))) {
            machine.addRule(Integer.toString(count++), rule);
        }
        return String.format("{\"rules\":%d,\"load_ms\":%.1f}", count, (System.nanoTime() - start) / 1e6);
    }

    private static String check(String file) throws Exception {
        List<String> expected = Files.readAllLines(Path.of(file));
        int matched = 0;
        for (int i = 0; i < events.size(); i++) {
            int first = firstMatch(events.get(i));
            if (!expected.get(i).equals(Integer.toString(first))) {
                return String.format("{\"error\":\"event %d is taken by rule %d, there by %s\"}", i, first, expected.get(i));
            }
            matched += first >= 0 ? 1 : 0;
        }
        return String.format("{\"same\":%d,\"matched\":%d}", events.size(), matched);
    }

    private static double run(double seconds) throws Exception {
        long start = System.nanoTime();
        long now;
        long count = 0;
        do {
            for (int i = 0; i < CLOCK_EVERY; i++) {
                found += machine.rulesForJSONEvent(events.get(next)).size();
                next = next + 1 < events.size() ? next + 1 : 0;
            }
            count += CLOCK_EVERY;
            now = System.nanoTime();
        } while (now - start < seconds * 1e9);
        return count * 1e9 / (now - start);
    }

    private static String time(double seconds) throws Exception {
        double[] rates = new double[ROUNDS];
        run(seconds);
        for (int i = 0; i < ROUNDS; i++) {
            rates[i] = run(seconds / ROUNDS);
        }
        Arrays.sort(rates);
        return String.format("{\"events_per_s\":%.0f,\"slowest\":%.0f,\"fastest\":%.0f,\"found\":%d}", rates[ROUNDS / 2],
                rates[0], rates[ROUNDS - 1], found);
    }

    private static String obey(String command, String argument) throws Exception {
        switch (command) {
        case "events":
            events = Files.readAllLines(Path.of(argument));
            next = 0;
            return String.format("{\"events\":%d}", events.size());
        case "config":
            return config(argument);
        case "check":
            return check(argument);
        case "time":
            return time(Double.parseDouble(argument));
        default:
            return "{\"error\":\"no such command\"}";
        }
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            int space = line.indexOf(' ');
            try {
                System.out.println(obey(line.substring(0, space), line.substring(space + 1)));
            } catch (Exception e) {
                System.out.println("{\"error\":\"" + e.toString().replaceAll("[\"\\\\\\p{Cntrl}]", " ") + "\"}");
            }
            System.out.flush();
        }
    }
}
