package modelslab

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAmountReadsNumbersAndNumericStringsExactly(t *testing.T) {
	tests := []struct{ json, text, wire string }{
		{`25`, "25.00", `25`},
		{`25.0`, "25.00", `25`},
		{`"25.00"`, "25.00", `25`},
		{`75.5`, "75.50", `75.5`},
		{`"75.50"`, "75.50", `75.5`},
		{`0.0025`, "0.0025", `0.0025`},
		{`-3.10`, "-3.10", `-3.1`},
		{`"+3.10"`, "3.10", `3.1`},
		{`0`, "0.00", `0`},
		{`-0`, "0.00", `0`},
		{`-0.00`, "0.00", `0`},
		{`0e999`, "0.00", `0`},
		{`1e2`, "100.00", `100`},
		{`2.5E1`, "25.00", `25`},
		{`2.5E+1`, "25.00", `25`},
		{`2550e-2`, "25.50", `25.5`},
		{`1200e-4`, "0.12", `0.12`},
		{`"1e2"`, "100.00", `100`},
		{`"007.50"`, "7.50", `7.5`},
		{`"\u0032\u0035"`, "25.00", `25`},
		{`100200.0300400`, "100200.03004", `100200.03004`},
		{`0.1`, "0.10", `0.1`},
		{`0.0000000000000000001`, "0.0000000000000000001", `0.0000000000000000001`},
		{`1e-19`, "0.0000000000000000001", `0.0000000000000000001`},
		{`1e18`, "1000000000000000000.00", `1000000000000000000`},
		{`9223372036854775807`, "9223372036854775807.00", `9223372036854775807`},
		{`9223372036854775808`, "9223372036854775808.00", `9223372036854775808`},
		{`-9223372036854775808`, "-9223372036854775808.00", `-9223372036854775808`},
		{`9999999999999999999`, "9999999999999999999.00", `9999999999999999999`},
		{`-0.9999999999999999999`, "-0.9999999999999999999", `-0.9999999999999999999`},
		{`25.` + strings.Repeat("0", 40), "25.00", `25`},
	}
	for _, tt := range tests {
		t.Run(tt.json, func(t *testing.T) {
			var a Amount
			require.NoError(t, json.Unmarshal([]byte(tt.json), &a))
			assert.Equal(t, tt.text, a.String())
			assert.Equal(t, tt.text, fmt.Sprint(a))

			wire, err := json.Marshal(a)
			require.NoError(t, err)
			assert.Equal(t, tt.wire, string(wire))

			again, err := ParseAmount(a.String())
			require.NoError(t, err)
			assert.True(t, again == a, "one form per amount")
		})
	}
}

func TestAmountRefusesWhatIsNoExactNumber(t *testing.T) {
	tests := []struct{ json, says string }{
		{`null`, "got null"},
		{`true`, "got a boolean"},
		{`{"amount":25}`, "got an object"},
		{`[25]`, "got an array"},
		{`""`, `""`},
		{`"abc"`, `"abc"`},
		{`"."`, `"."`},
		{`"5."`, `"5."`},
		{`".5"`, `".5"`},
		{`"-"`, `"-"`},
		{`"--5"`, `"--5"`},
		{`"1.2.3"`, `"1.2.3"`},
		{`"$25"`, `"$25"`},
		{`"25 "`, `"25 "`},
		{`"1,250.00"`, `"1,250.00"`},
		{`"0x10"`, `"0x10"`},
		{`"1_000"`, `"1_000"`},
		{`"NaN"`, `"NaN"`},
		{`"Infinity"`, `"Infinity"`},
		{`"1e"`, `"1e"`},
		{`"e5"`, `"e5"`},
		{`"1e5e5"`, `"1e5e5"`},
		{`"1e5.0"`, `"1e5.0"`},
		{`1e19`, `"1e19"`},
		{`1e-20`, `"1e-20"`},
		{`1e9999999999999999999`, `"1e9999999999999999999"`},
		{`1e-9223372036854775808`, `"1e-9223372036854775808"`},
		{`10000000000000000000`, "10000000000000000000"},
		{`1.2345678901234567891`, "1.2345678901234567891"},
		{`"` + strings.Repeat("7", 5000) + `"`, strings.Repeat("7", 24) + `" is not`},
		{`0.` + strings.Repeat("0", 100), "0.0000000000000000000000"},
	}
	for _, tt := range tests {
		t.Run(tt.says, func(t *testing.T) {
			a := Cents(1)
			err := a.UnmarshalJSON([]byte(tt.json))
			require.ErrorContains(t, err, tt.says)
			assert.Less(t, len(err.Error()), 140)
			assert.Equal(t, Cents(1), a, "left alone")
		})
	}

	_, err := ParseAmount("25 USD")
	require.EqualError(t, err,
		`modelslab: "25 USD" is not an amount: want US dollars in at most 19 digits, like 25 or 25.50`)
}

func TestAbsentAmountIsNotZeroDollars(t *testing.T) {
	var v struct {
		Balance Amount  `json:"balance"`
		After   *Amount `json:"after"`
	}
	require.NoError(t, json.Unmarshal([]byte(`{"balance":0,"after":null}`), &v))
	assert.Nil(t, v.After)
	require.Error(t, json.Unmarshal([]byte(`{"balance":null}`), &v))
}

func TestAmountsHaveOneForm(t *testing.T) {
	for n := int64(-1000); n <= 1000; n++ {
		parsed, err := ParseAmount(fmt.Sprintf("%de-2", n))
		require.NoError(t, err)
		require.True(t, Cents(n) == parsed, "%d cents", n)
		require.True(t, Dollars(n) == Cents(n*100), "%d dollars", n)
	}
	assert.True(t, Amount{} == Dollars(0))
	assert.True(t, Amount{}.IsZero())
	assert.Equal(t, "0.00", Amount{}.String())
	assert.Equal(t, "92233720368547758.07", Cents(math.MaxInt64).String())
	assert.Equal(t, "-92233720368547758.08", Cents(math.MinInt64).String())
	assert.Equal(t, "-9223372036854775808.00", Dollars(math.MinInt64).String())
}

func TestAmountComparesAndAdds(t *testing.T) {
	a, b := Cents(7550), Dollars(25)
	assert.Equal(t, 1, a.Cmp(b))
	assert.Equal(t, 0, a.Cmp(Cents(7550)))
	assert.True(t, b.Less(a))
	assert.False(t, a.Less(a))
	assert.Equal(t, -1, Cents(-1).Sign())
	assert.Equal(t, 0, Amount{}.Sign())

	sum, err := a.Add(Cents(50))
	require.NoError(t, err)
	assert.True(t, sum == Dollars(76), "trimmed")
	rest, err := a.Sub(a)
	require.NoError(t, err)
	assert.True(t, rest == Amount{})
	rest, err = b.Sub(a)
	require.NoError(t, err)
	assert.Equal(t, "-50.50", rest.String())

	most, err := ParseAmount("9999999999999999999")
	require.NoError(t, err)
	_, err = most.Add(Dollars(1))
	require.EqualError(t, err, "modelslab: $9999999999999999999.00 + $1.00 does not fit an Amount")
	_, err = most.Add(Cents(1))
	require.Error(t, err, "never rounded")
	_, err = Cents(1).Sub(most)
	require.EqualError(t, err, "modelslab: $0.01 - $9999999999999999999.00 does not fit an Amount")
}

func TestAmountKnowsWholeCents(t *testing.T) {
	for s, want := range map[string]bool{"25": true, "25.5": true, "25.55": true, "25.550": true, "25.555": false, "0": true} {
		a, err := ParseAmount(s)
		require.NoError(t, err)
		assert.Equal(t, want, a.hasCents(), s)
	}
}

func TestAmountDecodesWithoutAllocation(t *testing.T) {
	for _, in := range []string{`25`, `75.50`, `"25.00"`, `1e2`, `"-1234567.89"`} {
		data, buf := []byte(in), make([]byte, 0, 32)
		var a Amount
		var err error
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			err = a.UnmarshalJSON(data)
			buf = a.appendJSON(buf[:0])
		}), in)
		require.NoError(t, err)
	}
}

func FuzzAmount(f *testing.F) {
	for _, s := range []string{
		`25`, `25.0`, `"25.00"`, `75.5`, `-0.0025`, `1e2`, `2.5E1`, `2550e-2`, `0e999`, `-0`, `""`, `null`, `"1,250.00"`,
		`9999999999999999999`, `9223372036854775808`, `1e-19`, `1e9999999999999999999`, `{"amount":25}`, `"\u0032"`, `".5"`,
	} {
		f.Add([]byte(s), []byte(`0.01`))
	}
	f.Fuzz(func(t *testing.T, data, other []byte) {
		var a, b Amount
		if err := a.UnmarshalJSON(data); err != nil {
			assert.Less(t, len(err.Error()), 400)
			assert.Equal(t, Amount{}, a)
			return
		}
		exact := new(big.Rat)
		if s := string(scalar(data)); a.IsZero() { // a big.Rat of 0e999999999 takes a while
			mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
			assert.Empty(t, strings.Trim(mantissa, "+-0."), "accepted %q", s)
		} else {
			_, ok := exact.SetString(s)
			require.True(t, ok, "accepted %q", s)
		}
		assert.Zero(t, exact.Cmp(rat(t, a)), "%s read as %s", data, a)

		wire, err := json.Marshal(a)
		require.NoError(t, err)
		require.True(t, json.Valid(wire))
		assert.NotContains(t, string(wire), "e")
		var again Amount
		require.NoError(t, json.Unmarshal(wire, &again))
		require.True(t, a == again, "%s came back as %s", a, again)
		parsed, err := ParseAmount(a.String())
		require.NoError(t, err)
		require.True(t, a == parsed)

		if b.UnmarshalJSON(other) != nil {
			return
		}
		assert.Equal(t, rat(t, a).Cmp(rat(t, b)), a.Cmp(b))
		assert.Equal(t, a.Cmp(b) == 0, a == b, "equal is ==")
		sum, err := a.Add(b)
		if err != nil {
			return
		}
		assert.Zero(t, new(big.Rat).Add(rat(t, a), rat(t, b)).Cmp(rat(t, sum)), "%s + %s = %s", a, b, sum)
		if back, err := sum.Sub(b); err == nil {
			assert.True(t, a == back, "%s + %s - %s = %s", a, b, b, back)
		}
	})
}

func rat(t *testing.T, a Amount) *big.Rat {
	r, ok := new(big.Rat).SetString(a.String())
	require.True(t, ok)
	return r
}

func TestIDReadsIntegersAndNeverFails(t *testing.T) {
	tests := []struct {
		json string
		want ID
	}{
		{`45`, 45},
		{`"45"`, 45},
		{`9223372036854775807`, math.MaxInt64},
		{`9007199254740993`, 1<<53 + 1},
		{`"\u0034\u0035"`, 45},
		{`0`, 0},
		{`null`, 0},
		{`""`, 0},
		{`"3f0c8b1e-1c9a-4a52-8a2e-0a0d1d6b9f11"`, 0},
		{`"45a"`, 0},
		{`45.5`, 0},
		{`4e1`, 0},
		{`9223372036854775808`, 0},
		{`123456789012345678901234567890`, 0},
		{`true`, 0},
		{`{"id":45}`, 0},
		{`[]`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.json, func(t *testing.T) {
			id := ID(7)
			require.NoError(t, json.Unmarshal([]byte(tt.json), &id))
			assert.Equal(t, tt.want, id)
		})
	}

	wire, err := json.Marshal(struct {
		ID   ID `json:"id"`
		Team ID `json:"team,omitzero"`
	}{ID: 45})
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":45}`, string(wire))
}

func FuzzID(f *testing.F) {
	for _, s := range []string{`45`, `"45"`, `-1`, `null`, `""`, `"3f0c8b1e"`, `{}`, `45.5`, `9223372036854775808`, `"+5"`, `"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		id, n, s, b := ID(7), flexInt(7), text("7"), flexBool(true)
		require.NoError(t, id.UnmarshalJSON(data))
		want, err := strconv.ParseInt(string(scalar(data)), 10, 64)
		if err != nil {
			want = 0
		}
		if len(scalar(data)) <= 20 {
			assert.Equal(t, ID(want), id)
		}
		wire, err := json.Marshal(id)
		require.NoError(t, err)
		var again ID
		require.NoError(t, json.Unmarshal(wire, &again))
		assert.Equal(t, id, again)

		require.NoError(t, n.UnmarshalJSON(data))
		require.NoError(t, s.UnmarshalJSON(data))
		require.NoError(t, b.UnmarshalJSON(data))
		if id != 0 && json.Valid(data) {
			assert.Equal(t, int64(id), int64(n))
			assert.NotEmpty(t, s)
		}
		assert.False(t, bool(b) && id > 1)
		var str string
		if json.Unmarshal(data, &str) == nil && len(data) > 1 && data[0] == '"' && data[len(data)-1] == '"' {
			assert.Equal(t, str, string(s))
		}
	})
}

func TestFlexibleScalarsNeverFail(t *testing.T) {
	tests := []struct {
		json string
		b    flexBool
		n    flexInt
		s    text
	}{
		{`true`, true, 0, ""},
		{`false`, false, 0, ""},
		{`1`, true, 1, "1"},
		{`0`, false, 0, "0"},
		{`2`, false, 2, "2"},
		{`"1"`, true, 1, "1"},
		{`"0"`, false, 0, "0"},
		{`"true"`, true, 0, "true"},
		{`"True"`, true, 0, "True"},
		{`"yes"`, true, 0, "yes"},
		{`"no"`, false, 0, "no"},
		{`null`, false, 0, ""},
		{`""`, false, 0, ""},
		{`-12`, false, -12, "-12"},
		{`"1024"`, false, 1024, "1024"},
		{`20.71`, false, 20, "20.71"},
		{`"12.0"`, false, 12, "12.0"},
		{`1e3`, false, 1000, "1e3"},
		{`1e300`, false, 0, "1e300"},
		{`"NaN"`, false, 0, "NaN"},
		{`"Inf"`, false, 0, "Inf"},
		{`9007199254740993`, false, 1<<53 + 1, "9007199254740993"},
		{`{"a":1}`, false, 0, ""},
		{`[1]`, false, 0, ""},
		{`"a \"quoted\" word\n"`, false, 0, "a \"quoted\" word\n"},
		{"\"bad \xff byte\"", false, 0, "bad \ufffd byte"},
	}
	for _, tt := range tests {
		t.Run(tt.json, func(t *testing.T) {
			b, n, s := flexBool(true), flexInt(7), text("old")
			require.NoError(t, json.Unmarshal([]byte(tt.json), &b))
			require.NoError(t, json.Unmarshal([]byte(tt.json), &n))
			require.NoError(t, json.Unmarshal([]byte(tt.json), &s))
			assert.Equal(t, tt.b, b)
			assert.Equal(t, tt.n, n)
			assert.Equal(t, tt.s, s)
		})
	}
}

func TestTimestampReadsTheServersLayouts(t *testing.T) {
	want := time.Date(2026, 2, 15, 10, 0, 0, 0, time.UTC)
	micro := want.Add(123456 * time.Microsecond)
	var none time.Time
	tests := []struct {
		json string
		want time.Time
	}{
		{`"2026-02-15T10:00:00Z"`, want},
		{`"2026-02-15T10:00:00+00:00"`, want},
		{`"2026-02-15T12:30:00+02:30"`, want},
		{`"2026-02-14T23:00:00-1100"`, want},
		{`"2026-02-15T10:00:00.000000Z"`, want},
		{`"2026-02-15T10:00:00.123456Z"`, micro},
		{`"2026-02-15T10:00:00.123456999999+00:00"`, micro.Add(999)},
		{`"2026-02-15 10:00:00"`, want},
		{`"2026-02-15 10:00:00.123456"`, micro},
		{`"2026-02-15T10:00:00"`, want},
		{`"2026-02-15"`, want.Truncate(24 * time.Hour)},
		{`"2026-02-15T10:00:00\u005a"`, want},
		{`1771149600`, want},
		{`"1771149600"`, want},
		{`1771149600.123456`, micro},
		{`"2024-02-29"`, time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)},

		{`null`, none},
		{`""`, none},
		{`0`, none},
		{`-1771149600`, none},
		{`20260215`, none},
		{`1771149600000`, none},
		{`"1771149600."`, none},
		{`1.7711496e9`, none},
		{`"0000-00-00 00:00:00"`, none},
		{`"0001-01-01T00:00:00+01:00"`, none},
		{`"9999-12-31T23:59:59-01:00"`, none},
		{`"2026-02-30"`, none},
		{`"2026-13-01"`, none},
		{`"2026-02-15T24:00:00Z"`, none},
		{`"2026-02-15T10:60:00Z"`, none},
		{`"2026-02-15T10:00:60Z"`, none},
		{`"2026-02-15T10:00:00.Z"`, none},
		{`"2026-02-15T10:00:00+25:00"`, none},
		{`"2026-02-15T10:00:00+2:00"`, none},
		{`"2026-02-15T10:00"`, none},
		{`"2026-02-15T"`, none},
		{`"15/02/2026"`, none},
		{`"in 3 days"`, none},
		{`"x026-02-15"`, none},
		{`true`, none},
		{`{"date":"2026-02-15 10:00:00"}`, none},
		{`[]`, none},
	}
	for _, tt := range tests {
		t.Run(tt.json, func(t *testing.T) {
			ts := Timestamp{time.Now()}
			require.NoError(t, json.Unmarshal([]byte(tt.json), &ts))
			assert.Equal(t, tt.want, ts.Time)
		})
	}
}

func TestTimestampWritesRFC3339(t *testing.T) {
	v := struct {
		Created Timestamp `json:"created"`
		Zone    Timestamp `json:"zone"`
		None    Timestamp `json:"none"`
		Omitted Timestamp `json:"omitted,omitzero"`
	}{
		Created: Timestamp{time.Date(2026, 2, 15, 10, 0, 0, 0, time.UTC)},
		Zone:    Timestamp{time.Date(2026, 2, 15, 10, 0, 0, 5e8, time.FixedZone("", 3600))},
	}
	wire, err := json.Marshal(v)
	require.NoError(t, err)
	assert.Equal(t, `{"created":"2026-02-15T10:00:00Z","zone":"2026-02-15T10:00:00.5+01:00","none":null}`, string(wire))
}

func TestTimestampDecodesWithoutAllocation(t *testing.T) {
	for _, in := range []string{
		`"2026-02-15T10:00:00Z"`, `"2026-02-15T10:00:00+02:00"`, `"2025-07-09T20:52:08.000000Z"`,
		`"2026-02-15 10:00:00"`, `"2026-02-15"`, `1771149600`, `null`,
	} {
		data := []byte(in)
		var ts Timestamp
		var err error
		assert.Zero(t, testing.AllocsPerRun(100, func() { err = ts.UnmarshalJSON(data) }), in)
		require.NoError(t, err)
	}
}

// rfc3339 is stricter than the standard library, which takes an hour of one digit and an offset of 24 hours.
var rfc3339 = regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"$`)

func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{
		`"2026-02-15T10:00:00Z"`, `"2026-09-24T00:00:00+00:00"`, `"2025-07-09T20:52:08.000000Z"`, `"2026-02-15 10:00:00"`,
		`"2026-02-15"`, `1771149600`, `"1771149600.5"`, `null`, `""`, `"0000-00-00 00:00:00"`, `"2024-02-29T23:59:59.9-23:59"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ts := Timestamp{time.Now()}
		require.NoError(t, ts.UnmarshalJSON(data))
		assert.Equal(t, time.UTC, ts.Location())

		if rfc3339.Match(data) {
			var want time.Time
			if want.UnmarshalJSON(data) != nil || want.UTC().Year() < 1 || want.UTC().Year() > 9999 {
				want = time.Time{}
			}
			assert.True(t, want.Equal(ts.Time), "%s read as %s, not as %s", data, ts, want)
		}

		wire, err := json.Marshal(ts)
		require.NoError(t, err)
		again := Timestamp{time.Now()}
		require.NoError(t, json.Unmarshal(wire, &again))
		assert.True(t, ts == again, "%s came back as %s", ts, again)
	})
}

const canary = "canary-7d1f"

func TestSecretHoldsItsValue(t *testing.T) {
	assert.Equal(t, canary, NewSecret(canary).Reveal())
	assert.Empty(t, Secret{}.Reveal())
	assert.True(t, Secret{}.IsZero())
	assert.True(t, NewSecret("").IsZero())
	assert.False(t, NewSecret(canary).IsZero())

	var v struct{ Token, Absent, Null Secret }
	v.Null = NewSecret("old")
	require.NoError(t, json.Unmarshal([]byte(`{"Token":"`+canary+`\u0021","Null":null}`), &v))
	assert.Equal(t, canary+"!", v.Token.Reveal())
	assert.True(t, v.Absent.IsZero())
	assert.True(t, v.Null.IsZero())

	wire, err := json.Marshal(struct {
		Key Secret `json:"key,omitzero"`
	}{})
	require.NoError(t, err)
	assert.Equal(t, `{}`, string(wire))
}

func TestSecretRefusesWhatIsNoSecret(t *testing.T) {
	for _, in := range []string{`"[redacted]"`, `"\u005bredacted]"`, `12345678`, `true`, `{"v":"12345678"}`, `["12345678"]`} {
		s := NewSecret(canary)
		err := json.Unmarshal([]byte(in), &s)
		require.ErrorContains(t, err, "want a secret", in)
		assert.NotContains(t, err.Error(), "12345678")
		assert.Equal(t, canary, s.Reveal(), "left alone")
	}
	var s Secret
	require.Error(t, s.UnmarshalText([]byte("[redacted]")))
	require.NoError(t, s.UnmarshalText([]byte(canary)))
	assert.Equal(t, canary, s.Reveal())
}

func TestSecretNeverPrints(t *testing.T) {
	s := NewSecret(canary)
	type inside struct{ s Secret }
	type pointing struct{ s *Secret }
	for _, v := range []any{
		s, &s, []Secret{s}, map[string]Secret{"k": s}, map[string]any{"k": &s}, any(s),
		inside{s}, &inside{s}, pointing{&s}, &pointing{&s}, []inside{{s}}, [1]*inside{{s}},
		struct{ S Secret }{s}, struct{ s any }{s}, struct{ s []Secret }{[]Secret{s}},
	} {
		assertNotPrinted(t, v, canary)
	}
	assert.Equal(t, "[redacted]", fmt.Sprint(s))
	assert.Equal(t, "[redacted]", fmt.Sprint(Secret{}))
	assert.Equal(t, "{[redacted]}", fmt.Sprintf("%+s", struct{ S Secret }{s}))

	wire, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"x"`
		S       Secret
	}{S: s})
	require.NoError(t, err)
	assert.Equal(t, `<x><S>[redacted]</S></x>`, string(wire))
}

// assertNotPrinted prints v in every way the standard library knows and looks for the canaries.
//
// A canary must be longer than the digits that an address or a clock shows by chance.
func assertNotPrinted(t *testing.T, v any, canaries ...string) {
	t.Helper()
	var out bytes.Buffer
	for verb := rune(' ' + 1); verb < 0x7f; verb++ {
		for _, flags := range []string{"", "+", "#", "-", " ", "0", "+#", "080.40", "[1]"} {
			_, _ = fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", v)
		}
	}
	_, _ = fmt.Fprintln(&out, v, fmt.Errorf("wrapped: %v", v), []any{v})

	opts := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, opts), slog.NewTextHandler(&out, opts)} {
		log := slog.New(h)
		log.Info("value", "v", v, "group", slog.GroupValue(slog.Any("v", v)), "list", []any{v})
		log.With("v", v).WithGroup("g").Debug("value", slog.Any("v", v))
	}

	wire, err := json.Marshal(v)
	require.NoError(t, err)
	out.Write(wire)
	wire, err = json.MarshalIndent(map[string]any{"v": v}, "", " ")
	require.NoError(t, err)
	out.Write(wire)

	for _, c := range canaries {
		// %x and %d would show it in other clothes.
		for _, form := range []string{c, fmt.Sprintf("%x", c), fmt.Sprintf("%X", c), fmt.Sprintf("% x", c), fmt.Sprint([]byte(c))} {
			assert.NotContains(t, out.String(), form, "%T", v)
		}
	}
}

func TestPtr(t *testing.T) {
	assert.Equal(t, 0, *Ptr(0))
	assert.Equal(t, ID(3), *Ptr(ID(3)))
}

func BenchmarkAmountUnmarshalJSON(b *testing.B) {
	for _, in := range []string{`25`, `75.50`, `"25.00"`, `1.25e2`} {
		b.Run(in, func(b *testing.B) {
			data := []byte(in)
			b.ReportAllocs()
			for b.Loop() {
				var a Amount
				if err := a.UnmarshalJSON(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAmountAppendJSON(b *testing.B) {
	a, buf := Cents(7550), make([]byte, 0, 32)
	b.ReportAllocs()
	for b.Loop() {
		buf = a.appendJSON(buf[:0])
	}
}

func BenchmarkIDUnmarshalJSON(b *testing.B) {
	data := []byte(`"4512"`)
	b.ReportAllocs()
	for b.Loop() {
		var id ID
		_ = id.UnmarshalJSON(data)
	}
}

func BenchmarkTimestampUnmarshalJSON(b *testing.B) {
	for _, in := range []string{`"2026-02-15T10:00:00Z"`, `"2025-07-09T20:52:08.000000+02:00"`, `1771149600`} {
		b.Run(in, func(b *testing.B) {
			data := []byte(in)
			b.ReportAllocs()
			for b.Loop() {
				var ts Timestamp
				_ = ts.UnmarshalJSON(data)
			}
		})
	}
}
