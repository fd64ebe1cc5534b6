package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var background = context.Background()

// One administrator for all calls.
var admin = sync.OnceValues(func() (*kadm.Client, error) {
	made, err := client()
	if err != nil {
		return nil, err
	}
	return kadm.NewClient(made), nil
})

func withAdmin(do func(*kadm.Client, asked) (any, error)) call {
	return func(a asked) (any, error) {
		adm, err := admin()
		if err != nil {
			return nil, err
		}
		return do(adm, a)
	}
}

func texts(raw []json.RawMessage) []string {
	out := make([]string, len(raw))
	for i, one := range raw {
		_ = json.Unmarshal(one, &out[i])
	}
	return out
}

// Kafka writes an id as base64 of its 16 bytes.
func idOf(text string) (id [16]byte) {
	bytes, _ := base64.RawURLEncoding.DecodeString(text)
	copy(id[:], bytes)
	return id
}

func textOf(id [16]byte) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

func adminCalls() map[string]call {
	calls := map[string]call{}
	for _, some := range []map[string]func(*kadm.Client, asked) (any, error){topicCalls, idCalls, clusterCalls, groupCalls, accessCalls} {
		for name, do := range some {
			calls[name] = withAdmin(do)
		}
	}
	return calls
}

// Asks the server: kadm believes what it was told a while ago.
func metadata(topics []kmsg.MetadataRequestTopic) ([]kmsg.MetadataResponseTopic, error) {
	cl, err := client()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = topics
	answer, err := request.RequestWith(background, cl)
	if err != nil {
		return nil, err
	}
	return answer.Topics, nil
}

func described(wanted kmsg.MetadataRequestTopic) (any, error) {
	topics, err := metadata([]kmsg.MetadataRequestTopic{wanted})
	if err != nil {
		return nil, err
	}
	found := topics[0]
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return nil, err
	}
	return map[string]any{"name": *found.Topic, "id": textOf(found.TopicID), "partitions": len(found.Partitions)}, nil
}

var topicCalls = map[string]func(*kadm.Client, asked) (any, error){
	"create_topics": func(adm *kadm.Client, a asked) (any, error) {
		for _, raw := range a.Topics {
			var topic struct {
				Name       string
				Partitions int32
				Configs    map[string]*string
			}
			if err := json.Unmarshal(raw, &topic); err != nil {
				return nil, err
			}
			if _, err := adm.CreateTopic(background, topic.Partitions, -1, topic.Configs, topic.Name); err != nil {
				return nil, err
			}
		}
		return nil, nil
	},
	"topics": func(_ *kadm.Client, _ asked) (any, error) {
		topics, err := metadata(nil)
		names := []string{}
		for _, topic := range topics {
			names = append(names, *topic.Topic)
		}
		sort.Strings(names)
		return names, err
	},
	"describe_topic": func(_ *kadm.Client, a asked) (any, error) {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = &a.Topic
		return described(topic)
	},
	"describe_topic_id": func(_ *kadm.Client, a asked) (any, error) {
		topic := kmsg.NewMetadataRequestTopic()
		topic.TopicID = idOf(a.TopicID)
		return described(topic)
	},
	"delete_topics": func(adm *kadm.Client, a asked) (any, error) {
		done, err := adm.DeleteTopics(background, texts(a.Topics)...)
		if err == nil {
			err = done.Error()
		}
		return nil, err
	},
	"create_partitions": func(adm *kadm.Client, a asked) (any, error) {
		done, err := adm.UpdatePartitions(background, int(a.Count), a.Topic)
		if err == nil {
			err = done.Error()
		}
		return nil, err
	},
	"configs": func(adm *kadm.Client, a asked) (any, error) {
		described, err := adm.DescribeTopicConfigs(background, a.Topic)
		if err != nil {
			return nil, err
		}
		topic, err := described.On(a.Topic, nil)
		values := map[string]string{}
		for _, config := range topic.Configs {
			values[config.Key] = config.MaybeValue()
		}
		return values, err
	},
	"alter_configs": func(adm *kadm.Client, a asked) (any, error) {
		var changes []kadm.AlterConfig
		for name, value := range a.Set {
			changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
		}
		for _, name := range a.Unset {
			changes = append(changes, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
		}
		done, err := adm.AlterTopicConfigs(background, changes, a.Topic)
		if err == nil {
			err = done[0].Err
		}
		return nil, err
	},
	"delete_records": func(adm *kadm.Client, a asked) (any, error) {
		offsets := kadm.Offsets{}
		offsets.AddOffset(a.Topic, a.Partition, a.Offset, -1)
		done, err := adm.DeleteRecords(background, offsets)
		if err == nil {
			err = done.Error()
		}
		return nil, err
	},
	"offset_at": func(adm *kadm.Client, a asked) (any, error) {
		var listed kadm.ListedOffsets
		var err error
		switch a.At {
		case "earliest":
			listed, err = adm.ListStartOffsets(background, a.Topic)
		case "latest":
			listed, err = adm.ListEndOffsets(background, a.Topic)
		case "max":
			listed, err = adm.ListMaxTimestampOffsets(background, a.Topic)
		default:
			var ms int64
			if ms, err = strconv.ParseInt(a.At, 10, 64); err == nil {
				listed, err = adm.ListOffsetsAfterMilli(background, ms, a.Topic)
			}
		}
		if err != nil {
			return nil, err
		}
		found, _ := listed.Lookup(a.Topic, a.Partition)
		return found.Offset, found.Err
	},
}

// What kadm asks by name only, asked by id.
var idCalls = map[string]func(*kadm.Client, asked) (any, error){
	"delete_topic_ids": func(_ *kadm.Client, a asked) (any, error) {
		cl, err := client()
		if err != nil {
			return nil, err
		}
		defer cl.Close()
		request := kmsg.NewPtrDeleteTopicsRequest()
		for _, id := range a.TopicIDs {
			topic := kmsg.NewDeleteTopicsRequestTopic()
			topic.TopicID = idOf(id)
			request.Topics = append(request.Topics, topic)
		}
		answer, err := request.RequestWith(background, cl)
		if err != nil {
			return nil, err
		}
		return nil, kerr.ErrorForCode(answer.Topics[0].ErrorCode)
	},
}

var clusterCalls = map[string]func(*kadm.Client, asked) (any, error){
	"cluster": func(adm *kadm.Client, _ asked) (any, error) {
		cluster, err := adm.BrokerMetadata(background)
		return map[string]any{"id": cluster.Cluster, "brokers": len(cluster.Brokers), "controller": cluster.Controller}, err
	},
	"log_dirs": func(adm *kadm.Client, _ asked) (any, error) {
		described, err := adm.DescribeAllLogDirs(background, nil)
		sizes := map[string]int64{}
		described.Each(func(directory kadm.DescribedLogDir) {
			directory.Topics.Each(func(partition kadm.DescribedLogDirPartition) {
				sizes[fmt.Sprintf("%s-%d", partition.Topic, partition.Partition)] = partition.Size
			})
		})
		return sizes, err
	},
}

var groupCalls = map[string]func(*kadm.Client, asked) (any, error){
	"groups": func(adm *kadm.Client, _ asked) (any, error) {
		groups, err := adm.ListGroups(background)
		return groups.Groups(), err
	},
	"describe_group": func(adm *kadm.Client, a asked) (any, error) {
		groups, err := adm.DescribeGroups(background, a.Group)
		if err != nil {
			return nil, err
		}
		group := groups[a.Group]
		return map[string]any{"state": group.State, "protocol": group.Protocol, "members": len(group.Members)}, group.Err
	},
	"group_offsets": func(adm *kadm.Client, a asked) (any, error) {
		fetched, err := adm.FetchOffsets(background, a.Group)
		offsets := map[string]int64{}
		fetched.Each(func(one kadm.OffsetResponse) { offsets[fmt.Sprintf("%s-%d", one.Topic, one.Partition)] = one.At })
		return offsets, err
	},
	"set_group_offset": func(adm *kadm.Client, a asked) (any, error) {
		offsets := kadm.Offsets{}
		offsets.AddOffset(a.Topic, a.Partition, a.Offset, -1)
		return nil, adm.CommitAllOffsets(background, a.Group, offsets)
	},
	"delete_group_offset": func(adm *kadm.Client, a asked) (any, error) {
		partitions := kadm.TopicsSet{}
		partitions.Add(a.Topic, a.Partition)
		done, err := adm.DeleteOffsets(background, a.Group, partitions)
		if err == nil {
			err = done.Error()
		}
		return nil, err
	},
	"delete_groups": func(adm *kadm.Client, a asked) (any, error) {
		done, err := adm.DeleteGroups(background, texts(a.Groups)...)
		if err == nil {
			err = done.Error()
		}
		return nil, err
	},
}

// The builder's rules of one principal.
func rulesOf(a asked) *kadm.ACLBuilder {
	return kadm.NewACLs().AnyResource().Allow(a.Principal).Deny(a.Principal).AllowHosts().DenyHosts().Operations().
		ResourcePatternType(kadm.ACLPatternAny)
}

var accessCalls = map[string]func(*kadm.Client, asked) (any, error){
	"create_acl": func(adm *kadm.Client, a asked) (any, error) {
		operation, err := kmsg.ParseACLOperation(a.Operation)
		if err != nil {
			return nil, err
		}
		pattern, err := kmsg.ParseACLResourcePatternType(a.Pattern)
		if err != nil {
			return nil, err
		}
		rule := kadm.NewACLs().Operations(operation).ResourcePatternType(pattern)
		if a.Type == "topic" {
			rule = rule.Topics(a.Name)
		} else {
			rule = rule.Groups(a.Name)
		}
		if a.Permission == "allow" {
			rule = rule.Allow(a.Principal).AllowHosts("*")
		} else {
			rule = rule.Deny(a.Principal).DenyHosts("*")
		}
		done, err := adm.CreateACLs(background, rule)
		if err == nil {
			err = done[0].Err
		}
		return nil, err
	},
	"acls": func(adm *kadm.Client, a asked) (any, error) {
		described, err := adm.DescribeACLs(background, rulesOf(a))
		count := 0
		for _, one := range described {
			count += len(one.Described)
			if err == nil {
				err = one.Err
			}
		}
		return count, err
	},
	"delete_acls": func(adm *kadm.Client, a asked) (any, error) {
		done, err := adm.DeleteACLs(background, rulesOf(a))
		count := 0
		for _, one := range done {
			count += len(one.Deleted)
			if err == nil {
				err = one.Err
			}
		}
		return count, err
	},
	"set_password": func(adm *kadm.Client, a asked) (any, error) {
		mechanism := kadm.ScramSha256
		if a.Mechanism == "SCRAM-SHA-512" {
			mechanism = kadm.ScramSha512
		}
		done, err := adm.AlterUserSCRAMs(background, nil, []kadm.UpsertSCRAM{
			{User: a.User, Mechanism: mechanism, Iterations: 4096, Password: a.Password}})
		if err == nil {
			err = done.Error()
		}
		return nil, err
	},
}
