package bolt

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

// The file has two buckets: one with the version of the format, and one with the
// records, whose sequence is their number.
var (
	bucketMeta = []byte("modelslab")
	bucketKeys = []byte("keys")
	keyVersion = []byte("version")
)

const version = "1"

var errDamaged = errors.New("the file is damaged")

// record is what stands under a key: four bytes of checksum over the key and the
// rest, eight bytes of expiry in Unix milliseconds, 0 for never, and the value.
type record struct {
	expires int64
	value   []byte
}

const recordHead = 4 + 8

func (r record) expired(now time.Time) bool {
	return r.expires != 0 && r.expires <= now.UnixMilli()
}

func encode(key, value []byte, expires time.Time) []byte {
	raw := make([]byte, recordHead, recordHead+len(value))
	if !expires.IsZero() {
		ms := expires.Add(time.Millisecond - 1).UnixMilli() // rather late than early
		binary.BigEndian.PutUint64(raw[4:], uint64(ms))
	}
	raw = append(raw, value...)
	binary.BigEndian.PutUint32(raw, checksum(key, raw))
	return raw
}

func parse(key, raw []byte) (record, error) {
	if len(raw) <= recordHead || binary.BigEndian.Uint32(raw) != checksum(key, raw) {
		return record{}, errDamaged
	}
	return record{
		expires: int64(binary.BigEndian.Uint64(raw[4:])), //nolint:gosec // as it was put
		value:   raw[recordHead:],
	}, nil
}

func checksum(key, raw []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(key, table), table, raw[4:])
}
