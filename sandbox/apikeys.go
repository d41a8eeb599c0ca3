package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// apiKey opens the generation API for its account.
type apiKey struct {
	id               int64
	name, notes, key string
	created          time.Time
}

func (s *Server) addKey(a *account, name, notes string) *apiKey {
	k := &apiKey{
		id: s.nextID("api key", 31), name: name, notes: notes, key: s.randomText(60), created: s.clock(),
	}
	a.keys = append(a.keys, k)
	s.apiKeys[k.key] = a
	return k
}

// firstKey is the key that logging in hands out: the oldest there is, "" without any.
func (a *account) firstKey() string {
	if len(a.keys) == 0 {
		return ""
	}
	return a.keys[0].key
}

// json shows the key as it is given: only the answer to its creation shows all of it.
func (k *apiKey) json(shown string) object {
	return object{
		"id": k.id, "name": k.name, "key": shown, "notes": textOrNull(k.notes), "created_at": timestamp(k.created),
	}
}

func (k *apiKey) masked() string {
	const seen = 4
	end := len(k.key) - seen
	return k.key[:seen] + strings.Repeat("*", end-seen) + k.key[end:]
}

func (s *Server) listAPIKeys(c *call) answer {
	list := []any{}
	for _, k := range c.account.keys {
		list = append(list, k.json(k.masked()))
	}
	return c.ok(list)
}

func (s *Server) createAPIKey(c *call) answer {
	problems := bag{}
	name, notes := c.renamed("name", "", problems), c.rewritten("notes", "", problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	k := s.addKey(c.account, name, notes)
	return c.success(http.StatusCreated, k.json(k.key))
}

// ownKey is the key that the path names, nil if the account has no such key.
func (c *call) ownKey() *apiKey {
	id := c.rowID()
	for _, k := range c.account.keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

func (s *Server) getAPIKey(c *call) answer {
	k := c.ownKey()
	if k == nil {
		return missing("ApiKey", c.params["id"])
	}
	return c.ok(k.json(k.masked()))
}

func (s *Server) updateAPIKey(c *call) answer {
	k := c.ownKey()
	if k == nil {
		return missing("ApiKey", c.params["id"])
	}
	problems := bag{}
	name, notes := c.renamed("name", k.name, problems), c.rewritten("notes", k.notes, problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	k.name, k.notes = name, notes
	return c.ok(k.json(k.masked()))
}

func (s *Server) deleteAPIKey(c *call) answer {
	k := c.ownKey()
	if k == nil {
		return missing("ApiKey", c.params["id"])
	}
	delete(s.apiKeys, k.key)
	c.account.keys = slices.DeleteFunc(c.account.keys, func(other *apiKey) bool { return other == k })
	return c.ok(object{"message": "API key deleted."})
}
