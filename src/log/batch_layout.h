#pragma once

#include <cstddef>

namespace pabal::log::batch_layout {

// Where each field of a record batch begins; the picture is in record_batch.h.
constexpr size_t base_offset = 0;
constexpr size_t batch_length = 8;
constexpr size_t leader_epoch = 12;
constexpr size_t magic = 16;
constexpr size_t crc = 17;
constexpr size_t attributes = 21;
constexpr size_t last_offset_delta = 23;
constexpr size_t base_timestamp = 27;
constexpr size_t max_timestamp = 35;
constexpr size_t producer_id = 43;
constexpr size_t producer_epoch = 51;
constexpr size_t base_sequence = 53;
constexpr size_t record_count = 57;
constexpr size_t records = 61;

constexpr size_t length_ends = 12;  // batch_length counts the bytes from here on
constexpr int compression_mask = 0x7;
constexpr int delete_horizon_flag = 0x40;

}  // namespace pabal::log::batch_layout
