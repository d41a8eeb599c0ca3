package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// param is one documented field of a request body, and what it may be.
type param struct {
	name, other string // other is a second name that is documented too
	kind        string
	required    bool
	least, most float64 // infinite: no such bound
	by8         bool
	chars       int // 0: as long as you like
	items       int // likewise
	words       []string
	inline      inlining
}

// inlining says when a media field takes base64 in the place of a URL.
type inlining string

const (
	never    inlining = ""
	always64 inlining = "bare"   // without being told
	with64   inlining = "base64" // with base64 set, whatever base64 means otherwise
)

// params reads a table of fields, one a line:
//
//	name[!][|other name] kind [least..most[/8]] [N chars] [N items] [of:word,word] [bare or base64]
//
// An exclamation mark is for a required field. The kinds are
//
//	text       a string
//	int, number  or a string that holds one, which the vendor's own pages send
//	bool       true, false, or one of the spellings "yes" and "no", "true" and "false"
//	yesno, truefalse  these words alone
//	any        a string or a number
//	texts      an array
//	image, video, audio   a URL
//	images, videos        a URL or an array of them
//	imagelist             an array alone
func params(table string) []param {
	var list []param
	for line := range strings.Lines(table) {
		if words := strings.Fields(line); len(words) > 0 {
			list = append(list, newParam(words))
		}
	}
	return list
}

func newParam(words []string) param {
	p := param{least: math.Inf(-1), most: math.Inf(1), kind: words[1]}
	p.name, p.other, _ = strings.Cut(words[0], "|")
	p.name, p.required = strings.CutSuffix(p.name, "!")
	for i, w := range words[2:] {
		from, to, isRange := strings.Cut(w, "..")
		of, isWords := strings.CutPrefix(w, "of:")
		switch {
		case isRange:
			to, p.by8 = strings.CutSuffix(to, "/8")
			p.least, p.most = bound(from, p.least), bound(to, p.most)
		case isWords:
			p.words = strings.Split(of, ",")
		case w == "chars":
			p.chars = int(bound(words[i+1], 0))
		case w == "items":
			p.items = int(bound(words[i+1], 0))
		case w == string(always64), w == string(with64):
			p.inline = inlining(w)
		}
	}
	return p
}

// bound reads a number of the table; an empty one leaves a side open.
func bound(text string, open float64) float64 {
	if text == "" {
		return open
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("sandbox: %q in a table of fields is no number", text))
	}
	return n
}

// complaint is the first thing that is wrong with the fields of a body, "" for nothing.
// What is missing is said before what is wrong.
func complaint(c *call, list []param) string {
	if c.malformed {
		return "the request body must be a JSON object"
	}
	for _, p := range list {
		if p.required && !p.given(c) {
			return p.name + " is required"
		}
	}
	for _, p := range list {
		for _, name := range []string{p.name, p.other} {
			value := c.fields[name]
			if text, isText := value.(string); value == nil || isText && strings.TrimSpace(text) == "" {
				continue
			}
			if wrong := p.wrong(c, name, value); wrong != "" {
				return wrong
			}
		}
	}
	return ""
}

func (p param) given(c *call) bool {
	for _, name := range []string{p.name, p.other} {
		switch v := c.fields[name].(type) {
		case nil:
		case string:
			if strings.TrimSpace(v) != "" {
				return true
			}
		case []any:
			if len(v) > 0 {
				return true
			}
		default:
			return true
		}
	}
	return false
}

func (p param) wrong(c *call, name string, value any) string {
	switch p.kind {
	case "text":
		return p.wrongText(name, value)
	case "int", "number":
		return p.wrongNumber(name, value)
	case "bool", "yesno", "truefalse":
		return p.wrongSwitch(name, value)
	case "any":
		_, isText := value.(string)
		if _, isNumber := value.(json.Number); !isText && !isNumber {
			return name + " must be a string or a number"
		}
	case "texts":
		if _, isList := value.([]any); !isList {
			return name + " must be an array"
		}
	case "image", "video", "audio":
		return p.wrongMedia(c, name, value)
	default:
		return p.wrongList(c, name, value)
	}
	return ""
}

func (p param) wrongText(name string, value any) string {
	text, isText := value.(string)
	switch {
	case !isText:
		return name + " must be a string"
	case p.chars > 0 && len([]rune(text)) > p.chars:
		return fmt.Sprintf("%s must be at most %d characters", name, p.chars)
	case p.words != nil && !slices.Contains(p.words, text):
		return name + " must be one of " + strings.Join(p.words, ", ")
	}
	return ""
}

func (p param) wrongNumber(name string, value any) string {
	digits := strings.TrimSpace(fmt.Sprint(value))
	n, err := strconv.ParseFloat(digits, 64)
	isNumber := err == nil && !math.IsInf(n, 0) && !math.IsNaN(n)
	if _, isBool := value.(bool); isBool {
		isNumber = false
	}
	if p.kind == "int" && isNumber {
		_, err = strconv.ParseInt(digits, 10, 64)
		isNumber = err == nil
	}
	inside := isNumber && n >= p.least && n <= p.most
	switch low, high := !math.IsInf(p.least, 0), !math.IsInf(p.most, 0); {
	case !inside && low && high:
		return fmt.Sprintf("%s must be between %s and %s", name, plain(p.least), plain(p.most))
	case !inside && low:
		return fmt.Sprintf("%s must be at least %s", name, plain(p.least))
	case !inside && high:
		return fmt.Sprintf("%s must be at most %s", name, plain(p.most))
	case !inside && p.kind == "int":
		return name + " must be an integer"
	case !inside:
		return name + " must be a number"
	case p.by8 && math.Mod(n, 8) != 0:
		return name + " must be divisible by 8"
	}
	return ""
}

func plain(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func (p param) wrongSwitch(name string, value any) string {
	_, isBool := value.(bool)
	switch {
	case p.kind == "yesno" && value != "yes" && value != "no":
		return name + " must be yes or no"
	case p.kind == "truefalse" && value != "true" && value != "false":
		return name + ` must be "true" or "false"`
	case p.kind == "bool" && !isBool && !slices.Contains([]any{"yes", "no", "true", "false"}, value):
		return name + " must be true or false"
	}
	return ""
}

// wrongMedia looks at a reference to media. Nothing is ever fetched.
func (p param) wrongMedia(c *call, name string, value any) string {
	text, isText := value.(string)
	if !isText {
		return name + " must be a string"
	}
	if isWebURL(text) || p.inline == always64 && isBase64(text) || p.inline == with64 && c.set("base64") && isBase64(text) {
		return ""
	}
	return fmt.Sprintf("Unable to fetch %s from provided URL", p.noun())
}

// noun is what a media field holds.
func (p param) noun() string {
	for _, noun := range []string{"video", "audio"} {
		if strings.HasPrefix(p.kind, noun) {
			return noun
		}
	}
	return "image"
}

func (p param) wrongList(c *call, name string, value any) string {
	list, isList := value.([]any)
	if !isList && p.kind == "imagelist" {
		return name + " must be an array"
	}
	if !isList {
		list = []any{value}
	}
	if p.items > 0 && len(list) > p.items {
		return fmt.Sprintf("%s takes at most %d items", name, p.items)
	}
	for _, v := range list {
		if wrong := p.wrongMedia(c, name, v); wrong != "" {
			return wrong
		}
	}
	return ""
}

func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func isBase64(text string) bool {
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil && text != ""
}

// set reports whether a switch is on, in any of its spellings.
func (c *call) set(name string) bool {
	switch v := c.fields[name].(type) {
	case bool:
		return v
	case string:
		return v == "yes" || v == "true"
	}
	return false
}
