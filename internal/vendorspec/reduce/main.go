// Command reduce writes what the vendor's OpenAPI files say of requests, and
// nothing else of them, into testdata:
//
//	go run ./reduce -from folder
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/modelslab/modelslab-agents-go/internal/vendorspec"
)

func main() {
	from := flag.String("from", "", "the folder with the vendor's files")
	to := flag.String("to", "testdata", "where to write")
	flag.Parse()
	if err := run(*from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "reduce:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	if from == "" {
		return errors.New("-from is missing")
	}
	files, err := filepath.Glob(filepath.Join(from, "*.json"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no files in %s", from)
	}
	for _, file := range files {
		b, err := os.ReadFile(file) //nolint:gosec // the folder is what the caller names
		if err != nil {
			return err
		}
		name := filepath.Base(file)
		if b, err = vendorspec.Reduce(strings.TrimSuffix(name, ".json"), b); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o600); err != nil { //nolint:gosec // likewise
			return err
		}
	}
	return nil
}
