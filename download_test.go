package modelslab

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const publicName = "files.example.com"

// fileServer is a server with a certificate for example.com's subdomains and a
// transport that finds it under every name, as a hostile resolver would.
func fileServer(t *testing.T, h http.HandlerFunc) (*httptest.Server, *http.Transport) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // hanging up is the point
	srv.StartTLS()
	t.Cleanup(srv.Close)
	transport := srv.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.InsecureSkipVerify = true
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, srv.Listener.Addr().String())
	}
	t.Cleanup(transport.CloseIdleConnections)
	return srv, transport
}

// publicClient is a client of the real origin, localClient one of a loopback origin.
func publicClient(t *testing.T, rt http.RoundTripper) *Client {
	t.Helper()
	c, err := New(WithHTTPClient(&http.Client{Transport: rt}), WithAccessToken("12|token"), WithAPIKey("the-key"))
	require.NoError(t, err)
	return c
}

func localClient(t *testing.T, rt http.RoundTripper) *Client {
	t.Helper()
	c, err := publicClient(t, rt).With(WithBaseURL("http://127.0.0.1:8085"))
	require.NoError(t, err)
	return c
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// file answers every request with the same body.
func file(status int, body io.Reader, length int64) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"X-Request-Id": {"req-7"}}, Body: io.NopCloser(body), ContentLength: length, Request: r}, nil
	}
}

func TestDownloadWritesTheFileAndSendsNoCredentials(t *testing.T) {
	var seen *http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Clone(context.Background())
		_, _ = io.WriteString(w, "picture")
	}))
	defer srv.Close()
	jar := jarOf{"session=secret"}
	c, err := New(WithBaseURL(srv.URL), WithHTTPClient(&http.Client{Jar: jar}), WithAccessToken("12|token"), WithAPIKey("the-key"))
	require.NoError(t, err)

	var w bytes.Buffer
	n, err := c.Generation.Download(t.Context(), srv.URL+"/media/a.png?sig=x", &w)
	require.NoError(t, err)
	assert.EqualValues(t, 7, n)
	assert.Equal(t, "picture", w.String())
	assert.Equal(t, "sig=x", seen.URL.RawQuery)
	var sent bytes.Buffer
	require.NoError(t, seen.Header.Write(&sent))
	for _, secret := range []string{"12|token", "the-key", "session=secret", "Authorization", "Cookie"} {
		assert.NotContains(t, sent.String(), secret)
	}
}

type jarOf []string

func (jarOf) SetCookies(*url.URL, []*http.Cookie) {}
func (j jarOf) Cookies(*url.URL) (all []*http.Cookie) {
	for _, c := range j {
		name, value, _ := strings.Cut(c, "=")
		all = append(all, &http.Cookie{Name: name, Value: value})
	}
	return all
}

// A writer that is told of the first half before the second is sent.
func TestDownloadStreams(t *testing.T) {
	half := make(chan bool)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first ")
		w.(http.Flusher).Flush()
		<-half
		_, _ = io.WriteString(w, "second")
	}))
	defer srv.Close()
	c, err := New(WithBaseURL(srv.URL))
	require.NoError(t, err)
	var got strings.Builder
	_, err = c.Generation.Download(t.Context(), srv.URL+"/a", writer(func(p []byte) (int, error) {
		if got.Len() == 0 {
			close(half)
		}
		return got.Write(p)
	}))
	require.NoError(t, err)
	assert.Equal(t, "first second", got.String())
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestDownloadTakesNothingBut200(t *testing.T) {
	for status, kind := range map[int]error{
		204: nil, 206: nil, 304: nil, 401: ErrUnauthenticated, 403: ErrPermissionDenied, 404: ErrNotFound, 410: ErrNotFound, 500: ErrServer, 503: ErrServer,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			c := publicClient(t, file(status, strings.NewReader("<html>not a picture, hush</html>"), -1))
			var w bytes.Buffer
			n, err := c.Generation.Download(t.Context(), "https://"+publicName+"/a.png?signature=hush", &w)
			var api *APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, status, api.StatusCode)
			assert.Equal(t, "req-7", api.RequestID)
			if kind != nil {
				require.ErrorIs(t, err, kind)
			}
			assert.Zero(t, n)
			assert.Empty(t, w.Bytes(), "an error page is no picture")
			assert.NotContains(t, err.Error(), "hush", "neither the page nor the signature in the URL")
		})
	}
}

func TestDownloadURLRules(t *testing.T) {
	tests := []struct {
		url           string
		public, local bool // may a client of such an origin load it
	}{
		{"https://" + publicName + "/a.png", true, true},
		{"https://8.8.8.8/a.png", true, true},
		{"https://[2606:4700::1111]/a.png", true, true},
		{"http://" + publicName + "/a.png", false, false},
		{"http://8.8.8.8/a.png", false, false},
		{"ftp://" + publicName + "/a.png", false, false},
		{"file:///etc/passwd", false, false},
		{"data:text/plain,hello", false, false},
		{"/media/a.png", false, false},
		{"", false, false},
		{"https://", false, false},
		{"https://user:pass@" + publicName + "/a.png", false, false},
		{"https://" + publicName + ":port/a.png", false, false},
		{"https://%zz/", false, false},

		{"http://127.0.0.1:8085/a.png", false, true},
		{"https://127.0.0.1:8085/a.png", false, true},
		{"http://localhost:8085/a.png", false, true},
		{"http://[::1]:8085/a.png", false, true},
		{"https://127.8.9.1/a.png", false, true},

		{"https://10.0.0.1/a.png", false, true},
		{"https://192.168.1.1/a.png", false, true},
		{"https://172.16.0.1/a.png", false, true},
		{"https://169.254.169.254/latest/meta-data", false, true}, // a cloud's own metadata
		{"https://100.64.0.1/a.png", false, true},                 // carrier-grade NAT
		{"https://0.0.0.0/a.png", false, true},
		{"https://224.0.0.1/a.png", false, true},
		{"https://[fe80::1]/a.png", false, true},
		{"https://[fd00::1]/a.png", false, true},
		{"https://[::]/a.png", false, true},
		{"https://[::ffff:10.0.0.1]/a.png", false, true}, // an IPv4 address in IPv6's clothes
		{"https://[::ffff:127.0.0.1]/a.png", false, true},
		{"https://[::ffff:100.64.0.1]/a.png", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.url, func(t *testing.T) {
			for client, allowed := range map[*Client]bool{
				publicClient(t, file(200, strings.NewReader("x"), 1)): tt.public,
				localClient(t, file(200, strings.NewReader("x"), 1)):  tt.local,
			} {
				_, err := client.Generation.Download(t.Context(), tt.url, io.Discard)
				if allowed {
					assert.NoError(t, err, "local origin: %t", client.cfg.local())
					continue
				}
				var param *ParamError
				require.ErrorAs(t, err, &param, "local origin: %t", client.cfg.local())
				assert.Equal(t, "url", param.Param)
				assert.Empty(t, param.Value, "a URL can hold a signature")
			}
		})
	}
}

// A public name is no promise: what counts is where the connection goes.
func TestDownloadHangsUpOnPrivateAddressesBehindPublicNames(t *testing.T) {
	asked := 0
	srv, transport := fileServer(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, "inside")
	})
	const at = "https://" + publicName + "/a.png"

	var w bytes.Buffer
	_, err := publicClient(t, transport).Generation.Download(t.Context(), at, &w)
	var param *ParamError
	require.ErrorAs(t, err, &param)
	assert.Contains(t, param.Reason, "private address")
	assert.Zero(t, asked, "no byte of a request has left")
	assert.Empty(t, w.Bytes())

	t.Run("a client of a loopback origin may", func(t *testing.T) {
		_, err := localClient(t, transport).Generation.Download(t.Context(), at, &w)
		require.NoError(t, err)
		assert.Equal(t, "inside", w.String())
	})

	t.Run("with the system's dialer and resolver too", func(t *testing.T) {
		plain := &http.Transport{}
		_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
		require.NoError(t, err)
		for _, host := range []string{"127.0.0.1", "localhost"} {
			conn, err := guard(plain).(guarded).DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
			require.ErrorAs(t, err, &param, host)
			assert.Nil(t, conn)
		}
		assert.Nil(t, plain.DialContext, "the caller's transport stays as it is")
	})

	t.Run("with a dialer for TLS of the caller's", func(t *testing.T) {
		before := asked
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := transport.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), nil
		}
		for name, set := range map[string]func(*http.Transport){
			"DialTLSContext": func(t *http.Transport) { t.DialTLSContext = dial },
			"DialTLS": func(t *http.Transport) {
				t.DialTLS = func(network, addr string) (net.Conn, error) { return dial(context.Background(), network, addr) } //nolint:staticcheck // callers still have it
			},
		} {
			own := transport.Clone()
			set(own)
			_, err := publicClient(t, own).Generation.Download(t.Context(), at, io.Discard)
			assert.ErrorAs(t, err, &param, name)
		}
		assert.Equal(t, before, asked)
	})

	t.Run("also over a connection that a local client has left open", func(t *testing.T) {
		before := asked
		local := localClient(t, transport)
		_, err := local.Generation.Download(t.Context(), at, io.Discard)
		require.NoError(t, err)
		public, err := local.With(WithBaseURL("https://modelslab.com"))
		require.NoError(t, err)
		_, err = public.Generation.Download(t.Context(), at, io.Discard)
		require.ErrorAs(t, err, &param)
		assert.Equal(t, before+1, asked)
	})
}

func TestDownloadFollowsRedirectsToFilesOnly(t *testing.T) {
	const start = "https://" + publicName + "/start"
	tests := []struct {
		name, to string
		ok       bool
	}{
		{"another public host", "https://cdn.example.org/a.png", true},
		{"plain http", "http://cdn.example.org/a.png", false},
		{"this machine", "https://127.0.0.1/a.png", false},
		{"this machine over http", "http://127.0.0.1/a.png", false},
		{"a private network", "https://10.0.0.1/a.png", false},
		{"a cloud's metadata", "http://169.254.169.254/latest", false},
		{"a file", "file:///etc/passwd", false},
		{"a password in the URL", "https://u:p@cdn.example.org/a.png", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked []*http.Request
			c := publicClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				asked = append(asked, r)
				if r.URL.Path == "/start" {
					return &http.Response{StatusCode: 302, Header: http.Header{"Location": {tt.to}}, Body: http.NoBody, Request: r}, nil
				}
				return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("picture")), ContentLength: 7, Request: r}, nil
			}))
			var w bytes.Buffer
			_, err := c.Generation.Download(t.Context(), start+"?signature=hush", &w)
			if !tt.ok {
				require.ErrorIs(t, err, ErrValidation)
				assert.NotContains(t, err.Error(), "hush")
				assert.Len(t, asked, 1)
				assert.Empty(t, w.Bytes())
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "picture", w.String())
			require.Len(t, asked, 2)
			assert.Empty(t, asked[1].Header.Get("Referer"), "the next host does not learn the signature")
			assert.Empty(t, asked[1].Header.Get("Authorization"))
		})
	}

	t.Run("but not for ever", func(t *testing.T) {
		n := 0
		c := publicClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			n++
			return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"/next"}}, Body: http.NoBody, Request: r}, nil
		}))
		_, err := c.Generation.Download(t.Context(), start, io.Discard)
		require.ErrorContains(t, err, "redirects")
		assert.LessOrEqual(t, n, 10)
	})
}

func TestDownloadIsBounded(t *testing.T) {
	t.Run("by the length that is announced", func(t *testing.T) {
		read := false
		body := readerFunc(func([]byte) (int, error) { read = true; return 0, io.EOF })
		c := publicClient(t, file(200, body, maxDownloadBytes+1))
		n, err := c.Generation.Download(t.Context(), "https://"+publicName+"/a", io.Discard)
		require.ErrorContains(t, err, "at most")
		assert.Zero(t, n)
		assert.False(t, read)
	})

	endless := readerFunc(func(p []byte) (int, error) { return len(p), nil })
	t.Run("by what comes", func(t *testing.T) {
		l := &limitedFile{r: endless, left: 1000}
		n, err := io.Copy(io.Discard, l)
		require.ErrorContains(t, err, "more than")
		assert.EqualValues(t, 1000, n)
	})
	t.Run("and a file of just that size is whole", func(t *testing.T) {
		l := &limitedFile{r: strings.NewReader(strings.Repeat("x", 1000)), left: 1000}
		n, err := io.Copy(io.Discard, l)
		require.NoError(t, err)
		assert.EqualValues(t, 1000, n)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAFileCutShortIsAnErrorBesideItsBytes(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half a picture")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	c, err := New(WithBaseURL(srv.URL))
	require.NoError(t, err)
	var w bytes.Buffer
	n, err := c.Generation.Download(t.Context(), srv.URL+"/a?signature=hush", &w)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.EqualValues(t, 14, n)
	assert.Equal(t, "half a picture", w.String())
	assert.NotContains(t, err.Error(), "hush")

	t.Run("also where the transport does not notice", func(t *testing.T) {
		c := publicClient(t, file(200, strings.NewReader("half"), 100))
		n, err := c.Generation.Download(t.Context(), "https://"+publicName+"/a", io.Discard)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.EqualValues(t, 4, n)
	})
}

func TestAFullDiskIsTheWritersError(t *testing.T) {
	full := errors.New("no space left")
	c := publicClient(t, file(200, strings.NewReader("picture"), 7))
	n, err := c.Generation.Download(t.Context(), "https://"+publicName+"/a", writer(func([]byte) (int, error) { return 3, full }))
	require.ErrorIs(t, err, full)
	assert.EqualValues(t, 3, n)
}

func TestDownloadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "some")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer srv.Close()
	c, err := New(WithBaseURL(srv.URL))
	require.NoError(t, err)
	n, err := c.Generation.Download(ctx, srv.URL+"/a", writer(func(p []byte) (int, error) { cancel(); return len(p), nil }))
	require.ErrorIs(t, err, context.Canceled)
	assert.EqualValues(t, 4, n)
}

// The client's Timeout is for answers of the API; a film takes its time.
func TestDownloadHasNoTimeLimitOfItsOwn(t *testing.T) {
	c, err := New(WithHTTPClient(&http.Client{Timeout: 1, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		_, limited := r.Context().Deadline()
		assert.False(t, limited)
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("film")), ContentLength: 4, Request: r}, nil
	})}))
	require.NoError(t, err)
	_, err = c.Generation.Download(t.Context(), "https://"+publicName+"/a", io.Discard)
	require.NoError(t, err)
}

func TestDownloadRefusesBadInput(t *testing.T) {
	c := publicClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("a request was made")
		return nil, io.EOF
	}))
	_, noWriter := c.Generation.Download(t.Context(), "https://"+publicName+"/a", nil)
	_, noContext := c.Generation.Download(nil, "https://"+publicName+"/a", io.Discard) //nolint:staticcheck // the point
	for want, err := range map[string]error{"w": noWriter, "ctx": noContext} {
		var param *ParamError
		require.ErrorAs(t, err, &param)
		assert.Equal(t, want, param.Param)
	}
}

// A proxy has a private address, as proxies do, and looks the host up itself.
func TestDownloadGoesThroughAProxyOfTheCallers(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, http.MethodConnect, r.Method)
		w.WriteHeader(http.StatusTeapot)
	}))
	defer proxy.Close()
	at, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	c := publicClient(t, &http.Transport{Proxy: http.ProxyURL(at)})
	_, err = c.Generation.Download(t.Context(), "https://"+publicName+"/a", io.Discard)
	require.ErrorContains(t, err, "teapot", "the proxy was asked")
}

func TestReservedAddressesAreNotPublic(t *testing.T) {
	for _, ip := range []string{
		"64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:a00:1::", "2001::1", "::127.0.0.1", "fec0::1", "0.0.0.1", "192.0.0.192", "198.18.0.1", "240.0.0.1",
		"::ffff:10.0.0.1", "fe80::1%eth0", "100.64.0.1", "169.254.169.254",
	} {
		assert.False(t, isPublic(netip.MustParseAddr(ip)), ip)
	}
	for _, ip := range []string{"1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"} {
		assert.True(t, isPublic(netip.MustParseAddr(ip)), ip)
	}
}
