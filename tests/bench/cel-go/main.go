// cel-go behind the commands of bench_match (tests/bench/match.c), so that match.py drives both alike:
//
//	events FILE        one event a line
//	config FILE        one CEL expression a line over `event`; line n is rule n
//	check FILE         compares the first expression that holds for every event with the file's lines
//	time SECONDS       as long again before it counts; the median of five rounds
//
// Each event is parsed by encoding/json and the expressions are evaluated one after another until one holds.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

const (
	rounds     = 5
	clockEvery = 64
)

var (
	events   [][]byte
	programs []cel.Program
	next     int
	found    int
)

func lines(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}

func config(path string) (string, error) {
	start := time.Now()
	env, err := cel.NewEnv(cel.Variable("event", cel.DynType), cel.CrossTypeNumericComparisons(true))
	if err != nil {
		return "", err
	}
	expressions, err := lines(path)
	if err != nil {
		return "", err
	}
	programs = nil
	for _, text := range expressions {
		ast, issues := env.Compile(text)
		if issues.Err() != nil {
			return "", issues.Err()
		}
		program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			return "", err
		}
		programs = append(programs, program)
	}
	return fmt.Sprintf(`{"rules":%d,"load_ms":%.1f}`, len(programs), time.Since(start).Seconds()*1e3), nil
}

func firstMatch(text []byte) (int, error) {
	var event map[string]any
	if err := json.Unmarshal(text, &event); err != nil {
		return 0, err
	}
	variables := map[string]any{"event": event}
	for i, program := range programs {
		value, _, err := program.Eval(variables)
		if err == nil && value == types.True { // a failure is false, as in a condition of ours
			return i, nil
		}
	}
	return -1, nil
}

func check(path string) (string, error) {
	expected, err := lines(path)
	if err != nil {
		return "", err
	}
	matched := 0
	for i, event := range events {
		first, err := firstMatch(event)
		if err != nil {
			return "", err
		}
		if strconv.Itoa(first) != expected[i] {
			return "", fmt.Errorf("event %d is taken by rule %d, there by %s", i, first, expected[i])
		}
		if first >= 0 {
			matched++
		}
	}
	return fmt.Sprintf(`{"same":%d,"matched":%d}`, len(events), matched), nil
}

func run(seconds float64) (float64, error) {
	start, count := time.Now(), 0
	for time.Since(start).Seconds() < seconds {
		for i := 0; i < clockEvery; i++ {
			first, err := firstMatch(events[next])
			if err != nil {
				return 0, err
			}
			found += first
			next = (next + 1) % len(events)
		}
		count += clockEvery
	}
	return float64(count) / time.Since(start).Seconds(), nil
}

func timeEvents(seconds float64) (string, error) {
	rates := make([]float64, rounds)
	if _, err := run(seconds); err != nil {
		return "", err
	}
	for i := range rates {
		rate, err := run(seconds / rounds)
		if err != nil {
			return "", err
		}
		rates[i] = rate
	}
	sort.Float64s(rates)
	return fmt.Sprintf(`{"events_per_s":%.0f,"slowest":%.0f,"fastest":%.0f,"found":%d}`, rates[rounds/2], rates[0],
		rates[rounds-1], found), nil
}

func obey(command, argument string) (string, error) {
	switch command {
	case "events":
		texts, err := lines(argument)
		events, next = nil, 0
		for _, text := range texts {
			events = append(events, []byte(text))
		}
		return fmt.Sprintf(`{"events":%d}`, len(events)), err
	case "config":
		return config(argument)
	case "check":
		return check(argument)
	case "time":
		seconds, err := strconv.ParseFloat(argument, 64)
		if err != nil {
			return "", err
		}
		return timeEvents(seconds)
	}
	return "", fmt.Errorf("no such command")
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		command, argument, _ := strings.Cut(in.Text(), " ")
		answer, err := obey(command, argument)
		if err != nil {
			text, _ := json.Marshal(err.Error())
			answer = fmt.Sprintf(`{"error":%s}`, text)
		}
		fmt.Println(answer)
	}
}
