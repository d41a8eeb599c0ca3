package modelslab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// maxDownloadBytes bounds one downloaded file.
	maxDownloadBytes = 4 << 30
	// maxDownloadHops bounds the redirects of one download: files move between
	// hosts, API calls do not.
	maxDownloadHops = 5
)

// fileClient makes of hc a client for files that others host: with no time
// limit of its own and no cookies. One for a public origin looks where each of
// its connections really goes; it shares none with one that may stay on this
// machine.
func fileClient(hc *http.Client, local bool) *http.Client {
	files := &http.Client{Transport: hc.Transport}
	if files.Transport == nil {
		files.Transport = http.DefaultTransport
	}
	if t, ok := files.Transport.(*http.Transport); ok && !local {
		files.Transport = guard(t)
	}
	files.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) >= maxDownloadHops {
			return errors.New("too many redirects")
		}
		req.Header.Del("Referer") // a result's URL can hold a signature
		return checkFileURL(req.URL, local)
	}
	return files
}

// proxied marks the context of a request whose connection goes to a proxy:
// the proxy looks the host up, and may well have a private address itself.
type proxied struct{}

// guard makes a transport that hangs up on private addresses as soon as it
// knows what a name has resolved to, before a byte is sent.
func guard(t *http.Transport) http.RoundTripper {
	//nolint:staticcheck // Dial is deprecated, and callers still have it
	legacy := t.Dial
	own := http.RoundTripper(t) == http.DefaultTransport || t.DialContext == nil && legacy == nil
	t = t.Clone()
	if t.DialContext == nil && legacy != nil {
		t.DialContext = func(_ context.Context, network, addr string) (net.Conn, error) { return legacy(network, addr) }
	}
	if own { // before even the connection is made
		d := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
		d.ControlContext = func(ctx context.Context, _, addr string, _ syscall.RawConn) error { return checkPeer(ctx, addr) }
		t.DialContext = d.DialContext
	} else {
		t.DialContext = guardDial(t.DialContext)
	}
	if t.DialTLSContext != nil {
		t.DialTLSContext = guardDial(t.DialTLSContext)
	}
	t.DialTLS = nil //nolint:staticcheck // deprecated, and it would pass by the guard
	return guarded{t}
}

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

func guardDial(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if err := checkPeer(ctx, conn.RemoteAddr().String()); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return conn, nil
	}
}

// guarded tells the dialer which requests go through a proxy.
type guarded struct{ *http.Transport }

func (g guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	if g.Proxy != nil {
		if p, err := g.Proxy(req); err == nil && p != nil {
			req = req.WithContext(context.WithValue(req.Context(), proxied{}, true))
		}
	}
	return g.Transport.RoundTrip(req)
}

func checkPeer(ctx context.Context, addr string) error {
	if via, _ := ctx.Value(proxied{}).(bool); via {
		return nil
	}
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil //nolint:nilerr // no IP connection: the caller's own dialer knows
	}
	if !isPublic(at.Addr()) {
		return &ParamError{Param: "url", Reason: "its host has a private address"}
	}
	return nil
}

// reserved are the ranges of the special-purpose registries (RFC 6890) that netip
// does not call private: no file of a public host is there. Those of IPv6 that
// carry an IPv4 address inside would reach a private one through a translator.
var reserved = func() (list []netip.Prefix) {
	for _, s := range [...]string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}()

func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	return !slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// checkFileURL lets through what a download may ask for.
func checkFileURL(u *url.URL, local bool) error {
	bad := func(reason string) error { return &ParamError{Param: "url", Reason: reason} }
	host := u.Hostname()
	switch {
	case host == "":
		return bad("is no URL of a file")
	case u.User != nil:
		return bad("must hold no user or password")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(host)):
		return bad("must be https; plain http is allowed on loopback only")
	case local:
		return nil
	case isLoopback(host):
		return bad("is on this machine, and the client's origin is not")
	}
	if ip, err := netip.ParseAddr(host); err == nil && !isPublic(ip) {
		return bad("its host has a private address")
	}
	return nil
}

// Download streams a file, such as a job's output, to w and returns the number
// of bytes written. Neither the access token nor the API key is sent, whoever
// hosts the file.
//
// The URL must be https (or http on loopback, for a client whose own origin is
// loopback). For other clients hosts with private addresses are refused once
// their name is resolved; where the caller's http.Client has a transport that is
// no *http.Transport, that transport has to see to it. An answer other than 200
// is an [APIError]; a file cut short is an error beside the bytes that came. A
// file may have 4 GiB.
func (s *GenerationService) Download(ctx context.Context, url string, w io.Writer) (int64, error) {
	return s.c.download(ctx, url, w)
}

// fileWriter is a writer that wants to know what comes before it does.
type fileWriter interface {
	begin(contentType string, length int64) // -1: not said
}

func (c *Client) download(ctx context.Context, raw string, w io.Writer) (int64, error) {
	switch {
	case ctx == nil:
		return 0, &ParamError{Param: "ctx", Reason: "nil"}
	case w == nil:
		return 0, &ParamError{Param: "w", Reason: "nil"}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return 0, &ParamError{Param: "url", Reason: "is no URL"}
	}
	local := c.cfg.local()
	if err := checkFileURL(u, local); err != nil {
		return 0, err
	}
	req := (&http.Request{
		Method: get, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"User-Agent": c.cfg.userAgent, "Accept": {"*/*"}},
	}).WithContext(ctx)
	files := c.cfg.publicFiles
	if local {
		files = c.cfg.localFiles
	}
	resp, err := files.Do(req)
	if err != nil {
		if param, ok := as[*ParamError](err); ok {
			return 0, param
		}
		return 0, downloadError(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be kept
		return 0, seal(&APIError{
			Response: Response{StatusCode: resp.StatusCode, RequestID: first(resp.Header["X-Request-Id"]), Attempts: 1},
			Method:   get, Path: "file at " + clean(strings.ToLower(u.Host), maxCodeText), Message: http.StatusText(resp.StatusCode),
		})
	}
	if resp.ContentLength > maxDownloadBytes {
		return 0, fmt.Errorf("modelslab: the file has %d bytes; at most %d are downloaded", resp.ContentLength, int64(maxDownloadBytes))
	}
	if f, ok := w.(fileWriter); ok {
		f.begin(first(resp.Header["Content-Type"]), resp.ContentLength)
	}
	from := &limitedFile{r: resp.Body, left: maxDownloadBytes}
	n, err := io.Copy(w, from)
	switch {
	case from.err != nil && !errors.Is(from.err, io.EOF):
		return n, downloadError(from.err)
	case err != nil:
		return n, err // the writer's own
	case resp.ContentLength >= 0 && n < resp.ContentLength:
		return n, downloadError(io.ErrUnexpectedEOF)
	}
	return n, nil
}

// limitedFile is a body of bounded length that tells its own errors from the
// writer's.
type limitedFile struct {
	r    io.Reader
	left int64
	err  error
}

func (l *limitedFile) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left {
		p = p[:max(l.left, 1)] // one more than there may be, to see whether there is
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		n, err = 0, errors.New("the file has more than "+strconv.FormatInt(maxDownloadBytes, 10)+" bytes")
	}
	l.err = err
	return n, err
}

// downloadError is err without the URL, which can hold a signature.
func downloadError(err error) error {
	if u, ok := as[*url.Error](err); ok {
		err = u.Err
	}
	if text := err.Error(); urlForm.MatchString(text) {
		err = errors.New(urlForm.ReplaceAllString(clean(text, maxMessageText), "(a URL)"))
	}
	return fmt.Errorf("modelslab: download: %w", err)
}

var urlForm = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"]*`)
