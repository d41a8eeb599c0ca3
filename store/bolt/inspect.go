package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"time"
)

// bbolt checksums the two heads of its file and nothing else; over a damaged page it
// panics, reads on for ever or misses keys, as the damage has it. So the pages are
// read here first, and each has to be in its place: https://github.com/etcd-io/bbolt
// documents the format, which is that of every version of it.

const (
	pageHead = 16 // id, flags, count, overflow
	element  = 16 // of a branch: pos, ksize, page; of a leaf: flags, pos, ksize, vsize

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	bucketElement = 0x01
	bucketHead    = 16 // page, sequence

	boltMagic   = 0xED0CDAED
	boltVersion = 2
	noFreelist  = 1<<64 - 1
)

var native = binary.NativeEndian // as bbolt writes

// head is what a file's head says.
type head struct {
	pageSize uint64
	root     uint64
	freelist uint64
	pages    uint64
	txid     uint64
}

// inspection walks through a file.
type inspection struct {
	file *os.File
	head
	seen        []bool // pages that have been accounted for
	last, floor []byte // the key before, and one that is no larger than the next
}

// inspect reads all of a store and returns the keys that have expired.
func inspect(file *os.File, now time.Time) ([]string, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	in := &inspection{file: file}
	if err := in.heads(info.Size()); err != nil {
		return nil, err
	}

	buckets := map[string][]byte{}
	if err := in.tree(in.root, func(flags uint32, key, value []byte) error {
		if flags != bucketElement || len(value) < bucketHead {
			return damaged("%q is no bucket", key)
		}
		buckets[string(key)] = value
		return nil
	}); err != nil {
		return nil, err
	}
	if buckets[string(bucketMeta)] == nil {
		return nil, errors.New("this is the bbolt file of another program")
	}
	var found []byte
	if err := in.bucket(buckets[string(bucketMeta)], func(key, value []byte) error {
		if bytes.Equal(key, keyVersion) {
			found = value
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if string(found) != version {
		return nil, fmt.Errorf("its format is version %q, and this program's %s: use the program that made it, or a newer one", found, version)
	}
	if len(buckets) != 2 || buckets[string(bucketKeys)] == nil {
		return nil, damaged("it has other parts than a store's")
	}

	var expired []string
	var count uint64
	if err := in.bucket(buckets[string(bucketKeys)], func(key, value []byte) error {
		r, err := parse(key, value)
		if err != nil {
			return fmt.Errorf("%w: record %q", err, key)
		}
		if r.expired(now) {
			expired = append(expired, string(key))
		}
		count++
		return nil
	}); err != nil {
		return nil, err
	}
	if said := native.Uint64(buckets[string(bucketKeys)][8:]); said != count {
		return nil, damaged("of %d records %d are there", said, count)
	}
	return expired, in.rest()
}

func damaged(format string, a ...any) error {
	return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, a...))
}

// heads reads both heads of the file. bbolt writes them in turn and takes the other
// if one is damaged, which would silently forget the last change.
func (in *inspection) heads(size int64) error {
	var both [2]head
	for i := range both {
		raw := make([]byte, pageHead+64)
		if _, err := in.file.ReadAt(raw, int64(both[0].pageSize)); err != nil { //nolint:gosec // a head's page size has been looked at
			return damaged("head %d: %v", i, err)
		}
		m := raw[pageHead:]
		sum := fnv.New64a()
		_, _ = sum.Write(m[:56])
		h := head{
			pageSize: uint64(native.Uint32(m[8:])),
			root:     native.Uint64(m[16:]),
			freelist: native.Uint64(m[32:]),
			pages:    native.Uint64(m[40:]),
			txid:     native.Uint64(m[48:]),
		}
		switch {
		case native.Uint32(m) != boltMagic || native.Uint64(raw) != uint64(i):
			return damaged("head %d is none", i)
		case native.Uint32(m[4:]) != boltVersion:
			return damaged("head %d is of another version", i)
		case native.Uint64(m[56:]) != sum.Sum64():
			return damaged("head %d has another checksum", i)
		case h.pageSize < 512 || h.pageSize > 1<<24 || i == 1 && h.pageSize != both[0].pageSize:
			return damaged("head %d says that pages have %d bytes", i, h.pageSize)
		}
		both[i] = h
	}
	if in.head = both[0]; both[1].txid > both[0].txid {
		in.head = both[1]
	}
	if in.pages > uint64(size)/in.pageSize { //nolint:gosec // sizes are not negative
		return damaged("it ends before its last page")
	}
	in.seen = make([]bool, in.pages)
	return nil
}

// claim accounts for pages, each of which has one place.
func (in *inspection) claim(id, n uint64) error {
	if id < 2 || id >= in.pages || n > in.pages-id {
		return damaged("there is no page %d", id)
	}
	for i := id; i < id+n; i++ {
		if in.seen[i] {
			return damaged("page %d is in two places", i)
		}
		in.seen[i] = true
	}
	return nil
}

// page reads a page, with those that it goes on in.
func (in *inspection) page(id uint64) ([]byte, error) {
	at := func(id uint64) int64 { return int64(id * in.pageSize) } //nolint:gosec // in the file, or claim says that it is not
	if id >= in.pages {
		return nil, damaged("there is no page %d", id)
	}
	top := make([]byte, pageHead)
	if _, err := in.file.ReadAt(top, at(id)); err != nil {
		return nil, err
	}
	n := uint64(native.Uint32(top[12:])) + 1
	if native.Uint64(top) != id {
		return nil, damaged("page %d is another", id)
	}
	if err := in.claim(id, n); err != nil {
		return nil, err
	}
	raw := make([]byte, n*in.pageSize)
	_, err := in.file.ReadAt(raw, at(id))
	return raw, err
}

// visitor is handed the elements of leaves, in order.
type visitor func(flags uint32, key, value []byte) error

// tree walks through a tree of pages.
func (in *inspection) tree(root uint64, visit visitor) error {
	in.last, in.floor = nil, nil
	return in.branch(root, visit)
}

func (in *inspection) branch(id uint64, visit visitor) error {
	raw, err := in.page(id)
	if err != nil {
		return err
	}
	if native.Uint16(raw[8:]) == leafPage {
		return in.leaf(raw, visit)
	}
	if native.Uint16(raw[8:]) != branchPage {
		return damaged("page %d is no branch and no leaf", id)
	}
	n := uint64(native.Uint16(raw[10:]))
	if n == 0 {
		return damaged("page %d leads nowhere", id)
	}
	for i := range n {
		at := pageHead + i*element
		e, err := cut(raw, at, element)
		if err != nil {
			return err
		}
		key, err := cut(raw, at+uint64(native.Uint32(e)), uint64(native.Uint32(e[4:])))
		if err != nil {
			return err
		}
		if err := in.order(key); err != nil {
			return err
		}
		in.floor = key
		if err := in.branch(native.Uint64(e[8:]), visit); err != nil {
			return err
		}
	}
	return nil
}

func (in *inspection) leaf(raw []byte, visit visitor) error {
	for i := range uint64(native.Uint16(raw[10:])) {
		at := pageHead + i*element
		e, err := cut(raw, at, element)
		if err != nil {
			return err
		}
		at += uint64(native.Uint32(e[4:]))
		ksize, vsize := uint64(native.Uint32(e[8:])), uint64(native.Uint32(e[12:]))
		key, err := cut(raw, at, ksize)
		if err != nil {
			return err
		}
		value, err := cut(raw, at+ksize, vsize)
		if err != nil {
			return err
		}
		if err := in.order(key); err != nil {
			return err
		}
		in.last = key
		if err := visit(native.Uint32(e), key, value); err != nil {
			return err
		}
	}
	return nil
}

// order looks whether key comes after those before it.
func (in *inspection) order(key []byte) error {
	if len(key) == 0 || in.last != nil && bytes.Compare(key, in.last) <= 0 || bytes.Compare(key, in.floor) < 0 {
		return damaged("key %q is out of order", key)
	}
	return nil
}

// cut is a part of a page.
func cut(raw []byte, at, n uint64) ([]byte, error) {
	if end := uint64(len(raw)); at > end || n > end-at {
		return nil, damaged("a page says more than it holds")
	}
	return raw[at : at+n], nil
}

// bucket walks through a bucket, which is pages of its own or, while it is small, one
// in the value that stands for it.
func (in *inspection) bucket(value []byte, visit func(key, value []byte) error) error {
	only := func(flags uint32, key, value []byte) error {
		if flags != 0 {
			return damaged("%q is no record", key)
		}
		return visit(key, value)
	}
	if root := native.Uint64(value); root != 0 {
		return in.tree(root, only)
	}
	in.last, in.floor = nil, nil
	inline := value[bucketHead:]
	if len(inline) < pageHead || native.Uint16(inline[8:]) != leafPage {
		return damaged("a bucket has no page")
	}
	return in.leaf(inline, only)
}

// rest looks whether all other pages are free, and known to be.
func (in *inspection) rest() error {
	if in.freelist == noFreelist {
		return nil // bbolt makes a new one
	}
	raw, err := in.page(in.freelist)
	if err != nil {
		return err
	}
	if native.Uint16(raw[8:]) != freelistPage {
		return damaged("page %d is no list of free ones", in.freelist)
	}
	n, at := uint64(native.Uint16(raw[10:])), uint64(pageHead)
	if n == 0xFFFF { // too many for the head
		n, at = native.Uint64(raw[at:]), at+8
	}
	if n > in.pages {
		return damaged("more pages are free than there are")
	}
	free, err := cut(raw, at, n*8)
	if err != nil {
		return err
	}
	for ; len(free) > 0; free = free[8:] {
		if err := in.claim(native.Uint64(free), 1); err != nil {
			return err
		}
	}
	for id := uint64(2); id < in.pages; id++ {
		if !in.seen[id] {
			return damaged("page %d is lost", id)
		}
	}
	return nil
}
