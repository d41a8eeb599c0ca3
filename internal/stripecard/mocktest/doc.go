// Package mocktest holds stripecard against Stripe's own mock server, which
// checks requests against Stripe's OpenAPI description. It is a module of its
// own, so that nobody who imports the SDK downloads the mock.
package mocktest
