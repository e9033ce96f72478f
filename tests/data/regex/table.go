//go:build ignore

// Writes the table that tests/unit/cel/test_regex_table.c compares with: what Go's regexp package, which is RE2, makes of
// each pattern and each input. Run by hand, from the root of the tree, when a pattern is added:
//
//	go run tests/data/regex/table.go >tests/data/regex/table.jsonl
//
// One line a pattern: {"pattern", "error"} where Go refuses it, else {"pattern", "inputs": […], "match": "0110…"}.
package main

import (
	"encoding/json"
	"os"
	"regexp"
)

// Every pattern meets these, and what it is given besides.
var common = []string{
	"", "a", "b", "ab", "abc", "aabbc", "xabcx", "ABC", "a b", "a\n", "\na", "a\nb", "\n", "\n\n", "foo", "foobar", "foo.bar",
	"foo bar", "FOO", "eu-west-1", "user@example.com", "2026-11-21", "10.0.0.1", "é", "É", "aéb", "ñandú", "αβγ", "ΑΒΓ", "日本語",
	"😀", "a😀b", "_", "-", "0", "42", "x=1;y=2", "\t", " ", "\v", "ß", "ſ", "K", "İ",
}

type row struct {
	pattern string
	inputs  []string
}

var rows = []row{
	// literals, plain ones and others
	{"", nil}, {"abc", nil}, {"^abc", nil}, {"abc$", nil}, {"^abc$", []string{"abc\n"}}, {"^abc.*", []string{"abc\n\n"}},
	{".*abc", []string{"\nabc"}}, {".*abc.*", []string{"x\nabc\nx"}}, {"^.*abc", []string{"x\nabc", "x abc"}},
	{"abc.*$", []string{"abc\nx", "abc x"}}, {"(?s)^.*abc", []string{"x\nabc"}}, {"(?s)abc.*$", []string{"abc\nx"}},
	{"(?s)^abc.*$", []string{"abc\nx"}}, {"^$", nil}, {"^", nil}, {"$", nil}, {"a?abc", nil}, {"(abc)", nil}, {"(?:abc)", nil},
	{"^(abc)$", nil}, {"\\Aabc\\z", nil}, {"foo\\.bar", []string{"fooxbar"}}, {"foo.bar", []string{"fooxbar", "foo\nbar"}},
	{"\\Qa.b\\E", []string{"a.b", "axb"}}, {"\\Qa.b", []string{"a.b", "axb"}}, {"\\Qab\\E+", []string{"abb"}}, {"é", nil}, {"^日本", nil},
	{"😀$", nil}, {"^a😀b$", nil}, {"\\x61", nil}, {"\\x{1F600}", nil}, {"\\141", nil}, {"\\0", []string{"\x00"}}, {"\\07", []string{"\a"}},
	{"\\123", []string{"S"}}, {"\\a\\f\\t\\n\\r\\v", []string{"\a\f\t\n\r\v"}}, {"\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\^\\$\\\\", []string{".*+?()[]{}|^$\\"}},
	{"\\_", nil}, {"\\-", nil}, {"x{", []string{"x{"}}, {"x{,3}", []string{"x{,3}"}}, {"x{2", []string{"x{2"}}, {"x{01}", []string{"x{01}"}}, {"]", []string{"]"}}, {"}", []string{"}"}},
	{"\\x{d800}", nil}, {"[\\x{d7ff}-\\x{e000}]", []string{"\ud7ff", "\ue000"}}, {"#comment", []string{"#comment"}},
	// alternatives and groups
	{"foo|bar", []string{"bar"}}, {"^foo|bar$", []string{"foox", "xbar", "xfoo"}}, {"^(foo|bar)$", []string{"bar"}}, {"a||b", nil}, {"|", nil}, {"(|a)b", nil},
	{"()", nil}, {"(?P<name>a)b", nil}, {"(?<name>a)b", nil}, {"(a(b(c)))", nil}, {"(?i)abc", []string{"aBc"}}, {"(?i:a)bc", []string{"Abc", "ABC"}},
	{"a(?i)bc", []string{"aBC", "ABC"}}, {"a(?i)b|c", []string{"C", "aB"}}, {"(a(?i)b)c", []string{"aBc", "aBC"}}, {"(?i-i)abc", nil}, {"(?-i)abc", nil}, {"(?U)a+", nil},
	{"(?is)a.b", []string{"A\nB"}}, {"(?)a", nil},
	// repetition
	{"a*", nil}, {"a+", nil}, {"^a?$", nil}, {"^a*?$", []string{"aaa"}}, {"^a+?$", []string{"aaa"}}, {"^a{2}$", []string{"aa", "aaa"}}, {"^a{2,}$", []string{"aa", "aaaa"}},
	{"^a{2,3}$", []string{"aa", "aaa", "aaaa"}}, {"^a{0}$", nil}, {"^a{0,2}$", []string{"aa", "aaa"}}, {"^(ab){2}$", []string{"abab", "ababab"}}, {"^(a|é){2}$", []string{"aé", "éé", "é"}},
	{"^.{3}$", []string{"日本語x", "a\nb"}}, {"^.{2,3}$", nil}, {"^.{1,}$", nil}, {"^.+$", nil}, {"^.*$", nil}, {"^(?s).+$", nil}, {"^.?é", nil}, {"(a*)*", nil}, {"(a+)+b", []string{"aaaaaaaaaaaaaaaaaaaaaaaaaaaac"}},
	{"(a|aa)+$", []string{"aaaaaaaaaaaaaaaaaaaaaaaaaaaa!"}}, {"^*a", nil}, {"$*", nil}, {"\\b*a", nil}, {"(^)*a", nil}, {"(^a)*b", []string{"ab", "aab"}}, {"(^a|b)+c", []string{"ac", "abc", "bac", "bbc"}},
	{"a{1000}", []string{strings("a", 1000), strings("a", 999)}}, {"^(?:a{10}){100}$", []string{strings("a", 1000)}}, {"^[^,]{1,64},", []string{strings("é", 64) + ",", strings("é", 65) + ","}},
	{"x.{1,200}y", []string{"x" + strings("é", 200) + "y", "x" + strings("é", 201) + "y", "xy"}}, {"a**", nil}, {"a*+", nil}, {"a{2}{3}", nil}, {"a*??", nil}, {"(?:a*)*", nil}, {"(?:a{2}){3}", []string{"aaaaaa"}}, {"a*(?i)*", nil},
	{"*a", nil}, {"a|*", nil}, {"(+)", nil}, {"a{1001}", nil}, {"a{2,1}", nil}, {"(a{100}){11}", nil}, {"(a{100}){10}", nil}, {"a{99999999999}", nil},
	// classes
	{"[abc]", nil}, {"[^abc]", nil}, {"^[^abc]$", nil}, {"[a-c]", nil}, {"[]a]", []string{"]"}}, {"[^]a]", []string{"]"}}, {"[a-]", nil}, {"[-a]", nil}, {"[a-b-c]", nil}, {"[a\\-c]", nil},
	{"[\\]]", []string{"]"}}, {"[\\x41-\\x43]", nil}, {"[[:alpha:]]", nil}, {"[[:^alpha:]]", nil}, {"^[[:alnum:]_]+$", nil}, {"[[:digit:]]", nil}, {"[[:punct:]]", nil}, {"[[:space:]]", nil}, {"[[:word:]]", nil},
	{"[[:xdigit:]]", nil}, {"[[:upper:]]", nil}, {"[[:lower:]]", nil}, {"[[:ascii:]]", nil}, {"[[:^ascii:]]", nil}, {"[[:blank:]]", nil}, {"[[:cntrl:]]", nil}, {"[[:graph:]]", nil}, {"[[:print:]]", nil}, {"[[:a]", []string{"[", ":"}},
	{"\\d", []string{"٣"}}, {"^\\d+$", []string{"٣"}}, {"\\D", nil}, {"\\s", []string{"\u00a0"}}, {"^\\s$", []string{"\r", "\f", "\u2028"}}, {"\\S", nil}, {"^\\S+$", nil}, {"\\w", nil}, {"^\\w+$", nil}, {"\\W", nil}, {"^\\W$", nil},
	{"[\\d-]", nil}, {"[^\\d\\s]", nil}, {"[\\w.]+@[\\w.]+", nil}, {"[é-ó]", nil}, {"[^é]", nil}, {"^[^é]$", nil}, {"[α-ω]", nil}, {"[日-語]", nil}, {"[😀-😂]", nil}, {"[^\\x00-\\x{10FFFF}]", nil}, {"[\\x00-\\x{10FFFF}]", nil},
	{"^[\\x00-\\x7f]*$", nil}, {"(?i)[a-c]", nil}, {"(?i)[^a-c]", nil}, {"(?i)[α-γ]", nil}, {".", nil}, {"(?s).", nil}, {"^.$", nil}, {"(?s)^.$", nil}, {"[^a]", nil}, {"[^\\n]", nil},
	// Unicode
	{"\\pL", nil}, {"^\\pL+$", nil}, {"\\p{L}", nil}, {"\\PL", nil}, {"\\p{^L}", nil}, {"\\P{^L}", nil}, {"\\p{Lu}", nil}, {"\\p{Ll}", nil}, {"\\pN", []string{"٣", "Ⅷ"}}, {"\\p{Nd}", []string{"٣", "Ⅷ"}}, {"\\p{Greek}", nil}, {"^\\p{Greek}+$", nil},
	{"\\P{Greek}", nil}, {"\\p{Han}", nil}, {"^\\p{Han}+$", nil}, {"\\p{Latin}", nil}, {"[\\p{Greek}a]", nil}, {"[^\\p{Greek}]", nil}, {"[\\p{Lu}\\d]", nil}, {"\\p{Any}", nil}, {"\\p{Zs}", []string{"\u00a0"}}, {"\\pZ", []string{"\u2028"}},
	{"\\p{Sc}", []string{"€"}}, {"\\pS", []string{"€"}}, {"(?i)\\p{Lu}", nil}, {"(?i)\\p{Greek}", nil}, {"\\p{Cyrillic}", []string{"ж"}}, {"^[\\pL\\pN_]+$", nil}, {"\\p{Cs}", nil}, {"\\pC", []string{"\u200d"}},
	{"(?i)é", nil}, {"(?i)k", nil}, {"(?i)s", nil}, {"(?i)ß", []string{"ẞ", "ss"}}, {"(?i)i", nil}, {"(?i)σ", []string{"ς", "Σ"}}, {"(?i)\\w", nil}, {"(?i)[^\\w]", nil}, {"(?i)ǆ", []string{"ǅ", "Ǆ"}}, {"(?i)ñandú", []string{"ÑANDÚ"}},
	{"\\p{Nope}", nil}, {"\\p{greek}", nil}, {"\\pX", nil}, {"\\p{Greek", nil}, {"\\p", nil}, {"\\p{}", nil}, {"\\p{Letter}", nil},
	// anchors and words
	{"a$", []string{"ba", "ba\n"}}, {"a\\z", nil}, {"(?m)a$", []string{"a\nb", "ba\n"}}, {"(?m)^b", []string{"a\nb"}}, {"(?m)^$", nil}, {"(?m)^a$", []string{"b\na\nb"}}, {"(?m)\\Aa", nil}, {"(?m)a\\z", nil}, {"(?m)^", nil}, {"(?m)$", nil},
	{"(?m)a$\\nb", nil}, {"(?m)a\\n^b", nil}, {"(?m)^a$\\n^b$", nil}, {"(?m)a^b", nil}, {"(?m)\\s^b", nil}, {"(?m)(?:^|,)b", []string{"a,b", "ab"}}, {"(?m)b(?:$|,)", []string{"b,a", "ba"}}, {"(?m)(^a\\n)*b", nil}, {"(?m)^^a$$", nil},
	{"(^|,)foo(,|$)", []string{"x,foo,y", "xfoo"}}, {"(?:^|\\s)bar", nil}, {"a^b", nil}, {"a$b", nil}, {"^^a", nil}, {"a$$", nil}, {"x*^a", nil}, {"a$x*", nil}, {"(x|^)a", nil}, {"a(x|$)", nil}, {"a(x|^)b", []string{"axb"}}, {"(a|$)b", nil}, {"(^a|b$)", nil},
	{"(?:a?^b)+", []string{"ab"}}, {"(?:^)(?:$)", nil}, {"$^", nil}, {"(?m)$^", nil}, {"\\bfoo\\b", nil}, {"\\b", nil}, {"\\B", nil}, {"^\\B", nil}, {"\\B$", nil}, {"\\Boo", nil}, {"fo\\B", nil}, {"\\bé", nil}, {"é\\b", nil}, {"a\\bé", []string{"aé"}}, {"\\b\\b", nil},
	{"\\b^foo", nil}, {"(?m)\\b^b", nil}, {"a\\b$", nil}, {"(\\b|x)a", nil}, {"\\bα\\b", nil}, {"a\\Bb", nil}, {"(?:\\B|x)", nil}, {"\\B\\b", nil}, {"(a\\b|b)+", nil}, {"\\b\\d{4}-\\d{2}\\b", nil}, {"^\\b", nil}, {"\\b$", nil},
	// what people write
	{"^[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,}$", nil}, {"^\\d{1,3}(\\.\\d{1,3}){3}$", nil}, {"^eu-(west|north)-[0-9]$", nil}, {"(?i)^(get|post|put)\\s", []string{"GET /", "Post x", "get"}}, {"^/api/v[0-9]+/users/[^/]+$", []string{"/api/v1/users/42", "/api/v1/users/42/x"}},
	{"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$", []string{"123e4567-e89b-12d3-a456-426614174000", "123E4567-e89b-12d3-a456-426614174000"}}, {"^\\d{4}-(0[1-9]|1[0-2])-\\d{2}", nil}, {"error|warn(ing)?|fatal", []string{"a warning", "no"}},
	{"^(?:[A-Z][a-z]+ ?)+$", []string{"Ada Lovelace", "ada"}}, {"\\.(jpe?g|png|gif)$", []string{"a.jpg", "a.jpeg", "a.jpgx"}}, {"^[+-]?\\d+(\\.\\d+)?([eE][+-]?\\d+)?$", []string{"-1.5e10", "1.", "+7"}}, {"(\\w+)=(\\d+);", nil}, {"^\\s*$", nil}, {"^[^@]+@[^@]+$", nil},
	// what RE2 refuses
	{"(", nil}, {")", nil}, {"a)", nil}, {"(a", nil}, {"[", nil}, {"[a", nil}, {"[]", nil}, {"[^]", nil}, {"[b-a]", nil}, {"[a-\\d]", nil}, {"[[:nope:]]", nil}, {"[\\b]", nil}, {"\\", nil}, {"a\\", nil}, {"\\8", nil}, {"\\1", nil}, {"(a)\\1", nil}, {"\\c", nil}, {"\\Z", nil}, {"\\C", nil}, {"\\E", nil},
	{"\\x", nil}, {"\\x4", nil}, {"\\x{}", nil}, {"\\x{110000}", nil}, {"\\x{41", nil}, {"\\é", nil}, {"(?i", nil}, {"(?", nil}, {"(?-)a", nil}, {"(?i-)a", nil}, {"(?x)a", nil}, {"(?=a)", nil}, {"(?!a)", nil}, {"(?<=a)b", nil}, {"(?<!a)b", nil}, {"(?>a)", nil}, {"(?#a)", nil}, {"(?P<>a)", nil},
	{"(?P<n", nil}, {"(?P<a-b>a)", nil}, {"(?P=n)", nil}, {"(?'n'a)", nil}, {"(?|a)", nil}, {"\\k<n>", nil}, {"\\G", nil}, {"\\R", nil}, {"\\h", nil}, {"\\X", nil}, {"\\K", nil}, {"\\N", nil}, {"\\u0041", nil}, {"++", nil}, {"a++", nil},
}

func strings(s string, n int) (out string) {
	for ; n > 0; n-- {
		out += s
	}
	return out
}

func main() {
	type line struct {
		Pattern string   `json:"pattern"`
		Error   string   `json:"error,omitempty"`
		Inputs  []string `json:"inputs,omitempty"`
		Match   string   `json:"match,omitempty"`
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, r := range rows {
		l := line{Pattern: r.pattern}
		re, err := regexp.Compile(r.pattern)
		if err != nil {
			l.Error = err.Error()
		} else {
			l.Inputs = append(append([]string{}, common...), r.inputs...)
			for _, s := range l.Inputs {
				if re.MatchString(s) {
					l.Match += "1"
				} else {
					l.Match += "0"
				}
			}
		}
		if err := out.Encode(l); err != nil {
			panic(err)
		}
	}
}
