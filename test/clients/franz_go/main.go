// Does as the lines of JSON on its standard input say, each on its own, and answers in lines of JSON.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

type settings struct {
	Bootstrap string
	ClientID  string `json:"client_id"`
	CA        string
	Identity  string // one file with the key and the certificate
	SASL      *struct{ Mechanism, User, Password string }
}

// What any call may say.
type asked struct {
	ID                        int
	Do                        string
	Topic, Group, Member      string
	Topics, Groups            []json.RawMessage
	TopicID                   string   `json:"topic_id"`
	TopicIDs                  []string `json:"topic_ids"`
	Partition, Count          int32
	Offset                    int64
	At                        string
	Producer, Codec           string
	Idempotent                bool
	LingerMS                  int   `json:"linger_ms"`
	BatchBytes                int32 `json:"batch_bytes"`
	Records                   []record
	Assignor                  string
	Instance                  string
	SessionMS                 int `json:"session_ms"`
	Set                       map[string]string
	Unset                     []string
	Principal, Operation      string
	Type, Name, Pattern       string
	Permission                string
	User, Mechanism, Password string
}

type call func(asked) (any, error)

var connection []kgo.Opt

var saying sync.Mutex

func say(what map[string]any) {
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	saying.Lock()
	defer saying.Unlock()
	if _, err := os.Stdout.Write(append(line, '\n')); err != nil {
		os.Exit(1)
	}
}

// Kafka's name of an error, if it has one.
func nameOf(err error) string {
	var known *kerr.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return fmt.Sprintf("%T", err)
}

func connect(s settings) []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(s.Bootstrap), kgo.ClientID(s.ClientID), kgo.MetadataMinAge(100 * time.Millisecond)}
	if s.SASL != nil {
		secret := scram.Auth{User: s.SASL.User, Pass: s.SASL.Password}
		switch s.SASL.Mechanism {
		case "PLAIN":
			opts = append(opts, kgo.SASL(plain.Auth{User: s.SASL.User, Pass: s.SASL.Password}.AsMechanism()))
		case "SCRAM-SHA-256":
			opts = append(opts, kgo.SASL(secret.AsSha256Mechanism()))
		case "SCRAM-SHA-512":
			opts = append(opts, kgo.SASL(secret.AsSha512Mechanism()))
		}
	}
	if s.CA != "" {
		opts = append(opts, kgo.DialTLSConfig(secured(s)))
	}
	return opts
}

func secured(s settings) *tls.Config {
	authority, err := os.ReadFile(s.CA)
	if err != nil {
		panic(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(authority)
	if s.Identity != "" {
		own, err := tls.LoadX509KeyPair(s.Identity, s.Identity)
		if err != nil {
			panic(err)
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config
}

func client(more ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(append([]kgo.Opt{}, connection...), more...)...)
}

func main() {
	var s settings
	if err := json.Unmarshal([]byte(os.Args[1]), &s); err != nil {
		panic(err)
	}
	connection = connect(s)
	calls := map[string]call{}
	for _, offered := range []map[string]call{recordCalls(), memberCalls(), adminCalls()} {
		for name, one := range offered {
			calls[name] = one
		}
	}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var a asked
		if err := json.Unmarshal(line, &a); err != nil {
			panic(err)
		}
		go func() {
			result, err := calls[a.Do](a)
			if err != nil {
				say(map[string]any{"id": a.ID, "error": nameOf(err), "message": err.Error()})
				return
			}
			say(map[string]any{"id": a.ID, "result": result})
		}()
	}
}
