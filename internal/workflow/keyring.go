package workflow

import (
	"salvor/internal/secret"
	"salvor/internal/storage"
)

// GivenKey is a key that the user gave beforehand for one volume, or for every
// volume ("*").
type GivenKey struct {
	Volume string // ID, name of the container or of the device that it lies on, or "*"
	Key    *secret.Secret
	From   string // for messages: the file's name
	Typed  bool   // it is a passphrase, as one would type it, not the content of a key file
}

// keyring holds what opens which container. A key with a name is one that worked.
type keyring struct {
	works map[storage.ID]candidate
	named map[storage.ID]string
	typed []*secret.Secret // passphrases that worked somewhere
	given []GivenKey
	// tried keeps a key from being tried twice on one container, which takes its
	// time; declined are the containers for which nobody has a passphrase.
	tried    map[string]bool
	declined map[storage.ID]bool
	files    map[storage.ID][]*secret.Secret // what VeraCrypt mixes into a passphrase
	headers  map[string][]byte               // copies of detached headers, by the file that they become
}

// candidate is a key that may fit.
type candidate struct {
	key   *secret.Secret // of a token: its PIN, or nil
	name  string         // tells it from all others; "" for one that is tried once anyway
	from  string         // for messages
	file  bool           // the content of a key file, not a passphrase
	token bool           // a token of the container's header opens it
}

func newKeyring() *keyring {
	return &keyring{
		works: map[storage.ID]candidate{}, named: map[storage.ID]string{}, tried: map[string]bool{}, declined: map[storage.ID]bool{},
		files: map[storage.ID][]*secret.Secret{}, headers: map[string][]byte{},
	}
}

func (k *keyring) key(id storage.ID) *secret.Secret        { return k.works[id].key }
func (k *keyring) isFile(id storage.ID) bool               { return k.works[id].file }
func (k *keyring) isToken(id storage.ID) bool              { return k.works[id].token }
func (k *keyring) keyFiles(id storage.ID) []*secret.Secret { return k.files[id] }

func (k *keyring) names() map[storage.ID]string { return k.named }

// take makes a copy of the key ready for the container; drop wipes it again.
func (k *keyring) take(id storage.ID, c candidate) {
	if c.key != nil {
		c.key = c.key.Clone()
	}
	k.works[id] = c
}

func (k *keyring) drop(id storage.ID) {
	if key := k.works[id].key; key != nil {
		key.Wipe()
	}
	delete(k.works, id)
}

func (k *keyring) wipe() {
	for id := range k.works {
		k.drop(id)
	}
	for _, s := range k.typed {
		s.Wipe()
	}
	for _, files := range k.files {
		wipeAll(files)
	}
	wipeKeys(k.given)
}

func wipeAll(keys []*secret.Secret) {
	for _, s := range keys {
		s.Wipe()
	}
}

func wipeKeys(keys []GivenKey) {
	for _, g := range keys {
		g.Key.Wipe()
	}
}
