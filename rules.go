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
		if f.Name == "Webhook" {
			if err := checkReturnURL(t.Name()+".Webhook", v.Field(i).String()); err != nil {
				return err
			}
		}
		if tag := f.Tag.Get("rule"); tag != "" {
			for rule := range strings.SplitSeq(tag, ",") {
				if err := checkRule(t.Name()+"."+f.Name, v.Field(i), rule); err != nil {
					return err
				}
			}
		}
		if err := checkFinite(t.Name()+"."+f.Name, v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

// checkFinite refuses numbers that JSON has no form for.
func checkFinite(param string, v reflect.Value) error {
	if v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Float64 && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Float64 || !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0) {
		return nil
	}
	return &ParamError{Param: param, Value: strconv.FormatFloat(v.Float(), 'g', -1, 64), Reason: "must be a number"}
}

func checkRule(param string, v reflect.Value, rule string) error {
	if rule == "required" {
		return checkRequired(param, v)
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
			return &ParamError{Param: param, Value: v.String(), Reason: "has " + strconv.Itoa(n) + " characters; at most " + most + " are allowed"}
		}
		return nil
	}
	if most, ok := strings.CutSuffix(rule, " MB"); ok {
		return v.Interface().(Input).checkSize(param, int64(atoi([]byte(most)))<<20)
	}
	if span, ok := strings.CutSuffix(rule, " items"); ok {
		if !readBounds(span).holds(float64(v.Len())) {
			return &ParamError{Param: param, Value: strconv.Itoa(v.Len()) + " items", Reason: "must have " + readBounds(span).String() + " items"}
		}
		return nil
	}
	return checkNumber(param, v, rule)
}

func checkRequired(param string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		if strings.TrimSpace(v.String()) == "" {
			return &ParamError{Param: param, Reason: "is empty, and required"}
		}
	case reflect.Slice, reflect.Map:
		if v.Len() == 0 {
			return &ParamError{Param: param, Reason: "is empty, and required"}
		}
	default:
		if !v.IsZero() {
			return nil
		}
		if v.Type() == reflect.TypeFor[Input]() {
			return missingInput(param)
		}
		return &ParamError{Param: param, Reason: "is missing, and required"}
	}
	return nil
}

func missingInput(param string) error {
	return &ParamError{Param: param, Reason: "is missing: give InputURL, InputFile, InputBytes or InputReader"}
}

func checkNumber(param string, v reflect.Value, rule string) error {
	span, step, _ := strings.Cut(rule, "/")
	var x float64
	var shown string
	switch v.Kind() {
	case reflect.Float64:
		x = v.Float()
		shown = strconv.FormatFloat(x, 'g', -1, 64)
	default:
		x = float64(v.Int())
		shown = strconv.FormatInt(v.Int(), 10)
	}
	s := readBounds(span)
	reason := ""
	switch {
	case !s.holds(x): // also what is no number
		reason = "must be " + s.String()
	case step != "" && v.Int()%int64(atoi([]byte(step))) != 0:
		reason = "must be divisible by " + step
	}
	if reason == "" {
		return nil
	}
	if step != "" {
		reason = "must be " + s.String() + ", divisible by " + step
	}
	return &ParamError{Param: param, Value: shown, Reason: reason}
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
