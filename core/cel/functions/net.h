/* IP addresses and blocks of them (CIDR) as text and bits. For the files of this folder. */
#ifndef VX_CEL_NET_H
#define VX_CEL_NET_H

#include "core/cel/value.h"

/* Reads an address, IPv4 or IPv6: no zone, no IPv4 inside IPv6 (::ffff:1.2.3.4), no leading zeros in IPv4. */
bool cel_net_read_ip(struct vx_span s, struct cel_net *out);
/* Reads "address/bits"; bits behind the prefix may be set. */
bool cel_net_read_cidr(struct vx_span s, struct cel_net *out);

/* True when the first `bits` bits are the same, and the family. */
bool cel_net_same_prefix(const struct cel_net *a, const struct cel_net *b, unsigned bits);
/* True when address, family and prefix are the same; an address has a prefix of 0 bits. */
bool cel_net_equal(const struct cel_net *a, const struct cel_net *b);

/* The canonical form of an address (RFC 5952), with "/bits" behind it for a CIDR value; returns the length. */
enum { CEL_NET_TEXT_SIZE = 48 };
size_t cel_net_print(struct cel_value v, char text[CEL_NET_TEXT_SIZE]);

#endif
