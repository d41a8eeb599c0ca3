package modelslab

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What the documentation says of a field stands in its rule tag, beside its JSON
// name, and is held against the value before anything is sent:
//
//	required      not blank, not empty, not zero
//	256..1024     a number's range; either end may be open
//	256..1024/8   and divisible by 8
//	2500 chars    a text's greatest length
//	..4 items     a list's length
//	5 MB          a file's greatest size
//
// A plain optional field that is zero is absent, and passes.

// ownPackage is where the types come from whose tags are rules.
var ownPackage = reflect.TypeFor[Client]().PkgPath()

// paramsOf is the struct behind params of this package; false: it is not one.
func paramsOf(params any) (reflect.Value, bool) {
	v := reflect.ValueOf(params)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	return v, v.Kind() == reflect.Struct && v.Type().PkgPath() == ownPackage
}

// checkRules holds params against the rules of their type.
func checkRules(params any) error {
	v, ok := paramsOf(params)
	if !ok {
		return nil
	}
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if err := checkField(v.Field(i), f.Tag.Get("rule"), f.Name); err != nil {
			err.Param = t.Name() + "." + f.Name
			return err
		}
	}
	return nil
}

// checkField holds one field against its rules. The error lacks the field's name.
func checkField(v reflect.Value, rules, name string) *ParamError {
	if name == "Webhook" {
		if bad, ok := as[*ParamError](checkReturnURL("", v.String())); ok {
			return bad
		}
	}
	if v.Type() == reflect.TypeFor[YesNo]() && v.String() != "" && v.String() != string(Yes) && v.String() != string(No) {
		return &ParamError{Value: v.String(), Reason: "must be Yes or No"}
	}
	for rules != "" {
		var rule string
		rule, rules, _ = strings.Cut(rules, ",")
		if bad := checkRule(v, rule); bad != nil {
			return bad
		}
	}
	return checkFinite(v)
}

// checkFinite refuses numbers that JSON has no form for.
func checkFinite(v reflect.Value) *ParamError {
	if v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Float64 && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Float64 || !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0) {
		return nil
	}
	return &ParamError{Value: strconv.FormatFloat(v.Float(), 'g', -1, 64), Reason: "must be a number"}
}

func checkRule(v reflect.Value, rule string) *ParamError {
	if rule == "required" {
		return checkRequired(v)
	}
	given := v.Kind() == reflect.Pointer
	if given {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if !given && v.IsZero() {
		return nil
	}
	if most, ok := strings.CutSuffix(rule, " chars"); ok {
		if n := utf8.RuneCountInString(v.String()); n > atoi([]byte(most)) {
			return &ParamError{Value: v.String(), Reason: "has " + strconv.Itoa(n) + " characters; at most " + most + " are allowed"}
		}
		return nil
	}
	if strings.HasSuffix(rule, " MB") {
		return nil // needs to look at the file: see attach
	}
	if span, ok := strings.CutSuffix(rule, " items"); ok {
		if !readBounds(span).holds(float64(v.Len())) {
			return &ParamError{Value: strconv.Itoa(v.Len()) + " items", Reason: "must have " + readBounds(span).String() + " items"}
		}
		return nil
	}
	return checkNumber(v, rule)
}

func checkRequired(v reflect.Value) *ParamError {
	switch v.Kind() {
	case reflect.String:
		if strings.TrimSpace(v.String()) == "" {
			return &ParamError{Reason: "is empty, and required"}
		}
	case reflect.Slice, reflect.Map:
		if v.Len() == 0 {
			return &ParamError{Reason: "is empty, and required"}
		}
	default:
		if !v.IsZero() {
			return nil
		}
		if v.Type() == inputType {
			return missingInput("")
		}
		return &ParamError{Reason: "is missing, and required"}
	}
	return nil
}

func missingInput(param string) *ParamError {
	return &ParamError{Param: param, Reason: "is missing: give InputURL, InputFile, InputBytes or InputReader"}
}

func checkNumber(v reflect.Value, rule string) *ParamError {
	limits, step, _ := strings.Cut(rule, "/")
	b := readBounds(limits)
	if v.Kind() == reflect.Float64 {
		if x := v.Float(); !b.holds(x) { // also what is no number
			return &ParamError{Value: strconv.FormatFloat(x, 'g', -1, 64), Reason: "must be " + b.String()}
		}
		return nil
	}
	n := v.Int()
	if b.holds(float64(n)) && (step == "" || n%int64(atoi([]byte(step))) == 0) {
		return nil
	}
	reason := "must be " + b.String()
	if step != "" {
		reason += ", divisible by " + step
	}
	return &ParamError{Value: strconv.FormatInt(n, 10), Reason: reason}
}

// bounds are a range with ends that may be open.
type bounds struct{ least, most string }

func readBounds(s string) bounds {
	least, most, _ := strings.Cut(s, "..")
	return bounds{least, most}
}

func (s bounds) holds(x float64) bool {
	if s.least != "" {
		if least, err := strconv.ParseFloat(s.least, 64); err != nil || !(x >= least) {
			return false
		}
	}
	if s.most != "" {
		if most, err := strconv.ParseFloat(s.most, 64); err != nil || !(x <= most) {
			return false
		}
	}
	return true
}

func (s bounds) String() string {
	switch {
	case s.most == "":
		return s.least + " or more"
	case s.least == "":
		return "at most " + s.most
	}
	return s.least + " to " + s.most
}

// YesNo is a flag that the API spells as a word. The zero value is absent.
type YesNo string

// The two words.
const (
	Yes YesNo = "yes"
	No  YesNo = "no"
)
