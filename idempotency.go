package modelslab

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"

	"github.com/google/uuid"
)

// Every call that the server can recognise by a key carries one: the caller's
// (WithIdempotencyKey), one derived from the meaning of the call
// (WithOperation), or a random one. It is fixed before the first attempt and
// never changes during the call, and it is in Response and in every error, so
// that whoever lost an answer can ask for it again.

const (
	maxKeyLength       = 255 // bytes; the server documents no limit, Stripe's is this
	maxOperationLength = 200 // bytes

	// keyPrefix marks a derived key and the rule it was derived by.
	keyPrefix = "mla1-"
	keyDigits = 40
)

func newKey() string { return uuid.NewString() }

// operationKey derives the key of one try of an operation. What may differ on
// a second attempt has no part in it: not the amount, the card, the token, the
// clock, the base URL or the body.
func operationKey(account, endpoint, operation string, try int) string {
	b := make([]byte, 0, 256)
	for _, s := range [...]string{account, endpoint, operation, strconv.Itoa(try)} {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
	}
	sum := sha256.Sum256(b)
	var key [len(keyPrefix) + keyDigits]byte
	hex.Encode(key[copy(key[:], keyPrefix):], sum[:keyDigits/2])
	return string(key[:])
}

func checkKey(key string) error {
	switch {
	case key == "":
		return &ParamError{Param: "WithIdempotencyKey", Reason: "a key is needed; leave the option out for a random one"}
	case len(key) > maxKeyLength:
		return &ParamError{Param: "WithIdempotencyKey", Value: key, Reason: fmt.Sprintf("%d bytes; at most %d are allowed", len(key), maxKeyLength)}
	}
	if key[0] == ' ' || key[len(key)-1] == ' ' {
		return &ParamError{Param: "WithIdempotencyKey", Value: key, Reason: "a space at either end would be lost on the way"}
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return &ParamError{Param: "WithIdempotencyKey", Value: key, Reason: "only printable ASCII is allowed"}
		}
	}
	return nil
}

func checkOperation(name string) error {
	switch {
	case name == "":
		return &ParamError{Param: "WithOperation", Reason: "a name is needed, such as the number of the order that is paid"}
	case len(name) > maxOperationLength:
		return &ParamError{Param: "WithOperation", Value: name, Reason: fmt.Sprintf("%d bytes; at most %d are allowed", len(name), maxOperationLength)}
	}
	return nil
}

// keysInUse remembers what each key of the caller's stood for, as long as its
// outcome is open or paid: the same key for something else would at best be
// answered with the first thing's answer. It lives as long as the process.
type keysInUse struct {
	mu sync.Mutex
	m  map[string]keyUse
}

type keyUse struct {
	fingerprint [sha256.Size]byte
	calls       int  // on the way now
	kept        bool // unknown or paid
}

// maxKeysInUse bounds the memory. What is dropped then are keys whose calls
// have ended; the server still knows them.
const maxKeysInUse = 1 << 16

// take claims a key for a body, and says no if it stands for another one.
func (k *keysInUse) take(key string, fingerprint [sha256.Size]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	use, known := k.m[key]
	if known && use.fingerprint != fingerprint {
		return fmt.Errorf("%w: key %s was used in this process with another request, whose outcome is open or paid; nothing was sent", ErrOperationMismatch, key)
	}
	if k.m == nil {
		k.m = make(map[string]keyUse)
	}
	if !known && len(k.m) >= maxKeysInUse {
		for old, u := range k.m {
			if u.calls == 0 {
				delete(k.m, old)
				break
			}
		}
	}
	use.fingerprint = fingerprint
	use.calls++
	k.m[key] = use
	return nil
}

// release ends a call's claim. The key stays taken if its call was paid or may
// have been, and is free again after a definite no.
func (k *keysInUse) release(key string, keep bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	use := k.m[key]
	use.calls--
	use.kept = use.kept || keep
	if use.calls <= 0 && !use.kept {
		delete(k.m, key)
		return
	}
	k.m[key] = use
}

func fingerprint(method, path string, body []byte) [sha256.Size]byte {
	b := make([]byte, 0, len(method)+len(path)+len(body)+2)
	b = append(append(append(b, method...), ' '), path...)
	return sha256.Sum256(append(append(b, '\n'), body...))
}
