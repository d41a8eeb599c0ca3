package modelslab

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listCalls are the calls whose results are lists, or hold one.
var listCalls = []string{
	"auth.tokens", "api_keys.list", "usage.products", "usage.history", "models.search", "models.filters", "models.tags", "models.providers", "models.get",
	"billing.overview", "billing.payment_methods", "billing.invoices", "wallet.transactions", "subscriptions.plans", "subscriptions.list", "teams.list",
}

// FuzzLists gives any body to every call of a list. None may panic: each has a
// result or an error, the same one each time, and a result is fit to be kept.
func FuzzLists(f *testing.F) {
	err := filepath.WalkDir(filepath.Join("testdata", "answers"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		f.Add(b)
		return err
	})
	require.NoError(f, err)
	for _, seed := range []string{
		`null`, `0`, `""`, `"text"`, `true`, `[]`, `{}`, `[[]]`, `[null]`, `[null,{}]`, `[0,"1",true,[],{}]`, `{"data":0}`, `{"data":"x"}`, `{"data":[[[]]]}`, `{"data":{"data":{"data":{"data":[]}}}}`,
		`{"data":{"items":null,"count":-1,"total":1e30}}`, `{"data":{"items":{},"pagination":[]}}`, `{"data":{"items":{"a":{"id":1}}},"meta":{"total":"7"}}`,
		`{"data":{"items":[{"id":1,"id":2,"amount":1,"amount":"2"}],"items":[]}}`, `{"data":{"a":[1],"b":[2],"c":{}}}`, `{"data":{"members":[],"invites":null}}`,
		`{"data":[{"id":9223372036854775808,"amount":1e999,"price":"NaN","cost":"Infinity","percentage_used":"NaN","limit":"0x10","created_at":99999999999}]}`,
		`{"data":[{"percentage_used":"1_0","limit":1e400,"cost":null,"calls":-5,"name":7}]}`, `{"data":[{"percentage_used":"NaN"},{"percentage_used":"-Infinity"},{"percentage_used":"0x1p-2"},{"percentage_used":"+5"},{"percentage_used":".5"},{"percentage_used":"05"}]}`,
		`{"data":[{"amount":"1,000.00"}]}`, `{"data":[{"name":"\ud800","tags":"a,,b, "}]}`,
		`{"data":[{"endpoint_configurations":{"a":{"parameters":[1]}},"tags":{"x":{}}}]}`, `{"data":[{"card":[],"last4":4242424242424242,"exp_month":1e99}]}`,
		`{"data":[],"error":{"code":"x"}}`, `{"data":[],"error":"no"}`, `{"data":[`, `{"data":[]}}`, `{"data":[],}`, "\xef\xbb\xbf[]", "<html>", `{"data":[{"key":"a\nb"}]}`,
		`{"data":{"subscription_plans":[{"features":[1,null,{"name":"x"}]}],"pay_as_you_go":[]}}`, `{"data":{"wallet":{"balance":"x"},"items":[]}}`,
	} {
		f.Add([]byte(seed))
	}
	calls := make([]contractRow, 0, len(listCalls))
	for _, name := range listCalls {
		calls = append(calls, callNamed(f, name))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, row := range calls {
			run := func() (any, error) {
				return row.call(t.Context(), stubbed(t, scripted(says(http.StatusOK, string(body))), hasty(1)))
			}
			got, err := run()
			again, errAgain := run()
			if err != nil {
				assert.Nil(t, got, row.golden)
				if assert.Error(t, errAgain, row.golden) {
					assert.Equal(t, err.Error(), errAgain.Error(), row.golden)
				}
				oneLine(t, err)
				continue
			}
			require.NoError(t, errAgain, row.golden)
			require.NotNil(t, got, row.golden)
			assert.True(t, reflect.DeepEqual(got, again), "%s: %v, then %v", row.golden, got, again)
			_, err = json.Marshal(got)
			assert.NoError(t, err, "%s: %#v", row.golden, got)
			if v := reflect.ValueOf(got); v.Kind() == reflect.Slice {
				assert.LessOrEqual(t, v.Len(), len(body), "%s: more elements than bytes", row.golden)
			}
		}
	})
}
