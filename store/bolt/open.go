package bolt

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// patience is how long Open waits for a file that somebody else has open: a program
// that is started anew may be faster than the end of the old one.
const patience = time.Second

// Open opens the store in the file at path, which it makes with mode 0600 if there is
// none. The folder must be there. It refuses, and leaves as it was, a file that
// another process has open (after a second), one that others may read (but on
// Windows), one that is damaged and one of another kind.
func Open(path string) (*Store, error) {
	if path == "" {
		return nil, errors.New("modelslab/bolt: the path of the file is empty")
	}
	s, err := open(path)
	if err != nil {
		return nil, wrap(path, err)
	}
	return s, nil
}

func open(path string) (*Store, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, err
		}
		info, err = os.Stat(path)
	}
	switch {
	case err != nil:
		return nil, cause(err)
	case info.IsDir():
		return nil, errors.New("this is a folder; the path has to be that of a file in it")
	case !info.Mode().IsRegular():
		return nil, errors.New("this is not a regular file")
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return nil, fmt.Errorf("others may read or change the file (mode %04o); chmod 600 it", info.Mode().Perm())
	case info.Size() == 0:
		return nil, errors.New("the file is empty: no store ever is; if none was kept here, remove the file and it is made anew")
	}

	// bbolt trusts what it reads, so all of it is looked at first, under its lock.
	var expired []string
	db, file, err := take(path, true)
	if err != nil {
		return nil, err
	}
	err = caught(func() (err error) { expired, err = inspect(file, time.Now()); return err })
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	if db, _, err = take(path, false); err != nil {
		return nil, err
	}
	s := &Store{path: path, name: rand.Text(), turn: make(chan struct{}, 1), db: db}
	s.drop(context.Background(), expired...)
	return s, nil
}

// take opens a file that is there with bbolt, which locks it.
func take(path string, readOnly bool) (*bbolt.DB, *os.File, error) {
	var db *bbolt.DB
	var file *os.File
	err := caught(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:  patience,
			ReadOnly: readOnly,
			OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
				file, err = os.OpenFile(name, flag&^os.O_CREATE, mode) //nolint:gosec // the caller's path
				return file, err
			},
		})
		return err
	})
	switch {
	case err == nil:
		return db, file, nil
	case errors.As(err, new(*panicked)):
		_ = file.Close()
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, nil, errors.New("another process holds the file, or another Store of this one: it is for one at a time")
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, nil, fmt.Errorf("this is not a store, or one that is damaged: %w", err)
	}
	return nil, nil, cause(err)
}

// create makes an empty store. It comes to its place whole, so that no crash leaves
// half of one, and never in the place of another.
func create(path string) (err error) {
	dir, name := filepath.Split(path)
	if name == "" {
		return errors.New("the path has to be that of a file")
	}
	dir = filepath.Clean(dir)
	temp, err := os.CreateTemp(dir, ".modelslab-*.new")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no folder %s to make the file in", dir)
	}
	if err != nil {
		return cause(err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	if err := temp.Close(); err != nil {
		return cause(err)
	}
	db, err := bbolt.Open(temp.Name(), 0o600, nil)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket(bucketMeta)
		if err != nil {
			return err
		}
		if err := meta.Put(keyVersion, []byte(version)); err != nil {
			return err
		}
		_, err = tx.CreateBucket(bucketKeys)
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("a new store takes a file system with hard links: %w", cause(err))
	}
	return syncDir(dir)
}

// syncDir has the disk keep the names in a folder, where a system can.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir) //nolint:gosec // the folder of the caller's path
	if err != nil {
		return cause(err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// cause is what went wrong with a file, without its name, which the error has already.
func cause(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}
