// SPDX-License-Identifier: MIT
/*
 * Names derived from other names, so that whoever writes a record twice writes the same record:
 * MongoDB ids and hashes are functions of the account, the chat, the event and the step. Pure; any
 * thread.
 */
#pragma once

#include <stdint.h>

enum { ID_OID_HEX = 25 };

/*
 * A 24-digit hex ObjectId: the first 12 bytes of SHA-256 over the parts, each length-prefixed. The
 * parts are const char *, ended by NULL.
 */
void id_oid(char out[ID_OID_HEX], ...) __attribute__((sentinel));

// 128 bits of SHA-256 over the parts, as for id_oid.
void id_hash128(uint8_t out[16], ...) __attribute__((sentinel));

// A random UUID (version 4) in its text form.
void id_uuid(char out[37]);

// FNV-1a, 32 bits, of a string: stable across machines and versions (shards are chosen by it).
uint32_t id_fnv32(const char *s);
