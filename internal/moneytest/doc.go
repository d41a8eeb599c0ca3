// Package moneytest holds the promises about money against real processes that are
// killed, real stores and a network that breaks: nobody is charged twice, no budget is
// exceeded, and what happened can always be found out.
//
//	go test -race ./...                                 the short form
//	go test -timeout 2h -run TestCrash -crashes 500     so many kills with each store
//	go test -timeout 2h -run TestChaos -operations 10000
//	go test -run TestFleets -minutes 3m
//
// Every test prints its seed; -seed draws the same again. It needs a redis-server on
// the PATH.
package moneytest
