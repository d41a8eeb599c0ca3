// Package vendorspec holds the SDK's generation requests against the vendor's
// own OpenAPI descriptions of those endpoints: by an OpenAPI library in Go and,
// where Node is at hand, by Prism. It is a module of its own, so that nobody
// who imports the SDK downloads either.
//
// testdata has what the descriptions (ModelsLab/docs-v2 on GitHub, commit
// c1440bc8b433) say of requests, and none of their prose; the program reduce
// makes it. The descriptions have defects, which defects.go lists and corrects.
package vendorspec
