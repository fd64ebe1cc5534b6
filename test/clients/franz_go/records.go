package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A header as a pair of JSON: its name, and its value or null.
type header struct {
	name  string
	value []byte
}

func (h *header) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&h.name, &h.value})
}

func (h header) MarshalJSON() ([]byte, error) { return json.Marshal([]any{h.name, h.value}) }

type record struct {
	Partition int32    `json:"partition"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []header `json:"headers"`
	Timestamp int64    `json:"timestamp"`
	Offset    int64    `json:"offset"`
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

// Producers that stay open under a name, and reads of one partition.
func recordCalls() map[string]call {
	var producers sync.Map
	return map[string]call{
		"open_producer": func(a asked) (any, error) {
			opts := []kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codecs[a.Codec]),
				kgo.ProducerLinger(time.Duration(a.LingerMS) * time.Millisecond), kgo.ProducerBatchMaxBytes(a.BatchBytes)}
			if !a.Idempotent {
				opts = append(opts, kgo.DisableIdempotentWrite())
			}
			made, err := client(opts...)
			producers.Store(a.Producer, made)
			return nil, err
		},
		"send": func(a asked) (any, error) {
			producer, found := producers.Load(a.Producer)
			if !found {
				return nil, fmt.Errorf("no producer %s", a.Producer)
			}
			return send(producer.(*kgo.Client), a)
		},
		"close_producer": func(a asked) (any, error) {
			if producer, found := producers.LoadAndDelete(a.Producer); found {
				producer.(*kgo.Client).Close()
			}
			return nil, nil
		},
		"read": read,
	}
}

// The offset of each record, in their order.
func send(producer *kgo.Client, a asked) (any, error) {
	made := make([]*kgo.Record, 0, len(a.Records))
	for _, one := range a.Records {
		sent := &kgo.Record{Topic: a.Topic, Partition: one.Partition, Key: one.Key, Value: one.Value}
		if one.Timestamp != 0 {
			sent.Timestamp = time.UnixMilli(one.Timestamp)
		}
		for _, h := range one.Headers {
			sent.Headers = append(sent.Headers, kgo.RecordHeader{Key: h.name, Value: h.value})
		}
		made = append(made, sent)
	}
	if err := producer.ProduceSync(context.Background(), made...).FirstErr(); err != nil {
		return nil, err
	}
	offsets := make([]int64, 0, len(made))
	for _, one := range made {
		offsets = append(offsets, one.Offset)
	}
	return offsets, nil
}

func read(a asked) (any, error) {
	from := map[string]map[int32]kgo.Offset{a.Topic: {a.Partition: kgo.NewOffset().At(a.Offset)}}
	consumer, err := client(kgo.ConsumePartitions(from))
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	var out []record
	for len(out) < int(a.Count) {
		fetches := consumer.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			shown := record{Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: r.Timestamp.UnixMilli(), Offset: r.Offset,
				Headers: []header{}}
			for _, h := range r.Headers {
				shown.Headers = append(shown.Headers, header{h.Key, h.Value})
			}
			out = append(out, shown)
		})
	}
	return out[:a.Count], nil
}
