/* ip() and cidr(), as Kubernetes has them (its CEL library; parsing as Go's net/netip).
 *
 * A worker's thread; an address or a block that is made stands in the arena of the call. A constant one is made once,
 * when the expression is checked; `cidr("10.0.0.0/8").containsIP(event.ip)` then reads only the event's text, on the
 * stack. inet_pton() is what reads: it takes what netip takes, but for zones, which it does not know, and IPv4 inside
 * IPv6, which is refused here.
 */
#include "core/cel/functions/net.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "core/cel/functions/ops.h"
#include "core/cel/values.h"

enum { V4_BYTES = 4, V6_BYTES = 16, GROUPS = 8 };

/* ---- text ---- */

bool cel_net_read_ip(struct vx_span s, struct cel_net *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    struct cel_net net = {0};
    if (s.len == 0 || s.len >= sizeof text || memchr(s.at, '\0', s.len))
        return false;
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    net.bytes = memchr(text, ':', s.len) ? V6_BYTES : V4_BYTES;
    if (inet_pton(net.bytes == V6_BYTES ? AF_INET6 : AF_INET, text, net.address) != 1 ||
        (net.bytes == V6_BYTES && memcmp(net.address, mapped, sizeof mapped) == 0))
        return false;
    *out = net;
    return true;
}

bool cel_net_read_cidr(struct vx_span s, struct cel_net *out)
{
    struct cel_net net;
    const char *slash = s.len ? memrchr(s.at, '/', s.len) : NULL;
    if (!slash || !cel_net_read_ip(vx_span(s.at, (size_t)(slash - s.at)), &net))
        return false;
    struct vx_span digits = vx_span(slash + 1, (size_t)(s.at + s.len - slash - 1));
    unsigned bits = 0;
    if (digits.len == 0 || digits.len > 3 || (digits.len > 1 && digits.at[0] == '0'))
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        bits = 10 * bits + (unsigned)(digits.at[i] - '0');
    }
    if (bits > 8u * net.bytes)
        return false;
    net.prefix_bits = (uint8_t)bits;
    *out = net;
    return true;
}

static unsigned group_of(const struct cel_net *net, int i)
{
    return (unsigned)net->address[2 * i] << 8 | net->address[2 * i + 1];
}

/* The longest run of two or more zero groups, the first of equal ones: [*from, *to), empty where there is none. */
static void find_zeros(const struct cel_net *net, int *from, int *to)
{
    *from = *to = GROUPS;
    for (int i = 0, end; i < GROUPS; i = end + 1) {
        for (end = i; end < GROUPS && group_of(net, end) == 0; end++)
            ;
        if (end - i > 1 && end - i > *to - *from) {
            *from = i;
            *to = end;
        }
    }
}

size_t cel_net_print(struct cel_value v, char text[CEL_NET_TEXT_SIZE])
{
    const struct cel_net *net = v.net;
    int n = 0, from, to;
    if (net->bytes == V4_BYTES) {
        n = sprintf(text, "%u.%u.%u.%u", net->address[0], net->address[1], net->address[2], net->address[3]);
    } else {
        find_zeros(net, &from, &to);
        for (int i = 0; i < GROUPS; i++) {
            if (i == from) {
                n += sprintf(text + n, "::");
                i = to - 1;
            } else {
                n += sprintf(text + n, i > 0 && i != to ? ":%x" : "%x", group_of(net, i));
            }
        }
    }
    if (v.type == CEL_CIDR)
        n += sprintf(text + n, "/%u", net->prefix_bits);
    return (size_t)n;
}

/* ---- bits ---- */

bool cel_net_same_prefix(const struct cel_net *a, const struct cel_net *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (a->bytes != b->bytes || memcmp(a->address, b->address, whole) != 0)
        return false;
    return rest == 0 || ((a->address[whole] ^ b->address[whole]) >> (8 - rest)) == 0;
}

bool cel_net_equal(const struct cel_net *a, const struct cel_net *b)
{
    return a->prefix_bits == b->prefix_bits && cel_net_same_prefix(a, b, 8u * a->bytes);
}

/* True when all bytes from `first` on are `byte`. */
static bool all_bytes(const struct cel_net *net, unsigned first, uint8_t byte)
{
    for (unsigned i = first; i < net->bytes; i++) {
        if (net->address[i] != byte)
            return false;
    }
    return true;
}

static bool is_unspecified(const struct cel_net *net)
{
    return all_bytes(net, 0, 0);
}

static bool is_loopback(const struct cel_net *net)
{
    if (net->bytes == V4_BYTES)
        return net->address[0] == 127;
    return net->address[15] == 1 && cel_net_same_prefix(net, &(struct cel_net){.bytes = V6_BYTES}, 120);
}

static bool is_multicast(const struct cel_net *net)
{
    return net->bytes == V4_BYTES ? net->address[0] >> 4 == 0xe : net->address[0] == 0xff;
}

static bool is_link_local_multicast(const struct cel_net *net)
{
    if (net->bytes == V4_BYTES)
        return cel_net_same_prefix(net, &(struct cel_net){.bytes = V4_BYTES, .address = {224}}, 24);
    return net->address[0] == 0xff && (net->address[1] & 0x0f) == 2; /* the flags before the scope may be any */
}

static bool is_link_local_unicast(const struct cel_net *net)
{
    if (net->bytes == V4_BYTES)
        return net->address[0] == 169 && net->address[1] == 254;
    return net->address[0] == 0xfe && net->address[1] >> 6 == 2;
}

static bool is_global_unicast(const struct cel_net *net)
{
    bool broadcast = net->bytes == V4_BYTES && all_bytes(net, 0, 0xff);
    return !broadcast && !is_unspecified(net) && !is_loopback(net) && !is_multicast(net) && !is_link_local_unicast(net);
}

/* ---- functions ---- */

static const char ip_wanted[] = "IP address", cidr_wanted[] = "CIDR block (address/bits)";

static bool give_bool(struct cel_value *out, bool yes)
{
    *out = (struct cel_value){.type = CEL_BOOL, .boolean = yes};
    return true;
}

static bool give_int(struct cel_value *out, int i)
{
    *out = (struct cel_value){.type = CEL_INT, .i = i};
    return true;
}

static bool give_net(struct cel_call *call, struct cel_value *out, enum cel_type type, const struct cel_net *net)
{
    struct cel_net *made = VX_ARENA_NEW(call->arena, struct cel_net);
    *made = *net;
    *out = (struct cel_value){.type = (uint8_t)type, .net = made};
    return true;
}

CEL_OP(cel_ip_of_string)
{
    struct cel_net net;
    return cel_net_read_ip(cel_decoded(call, args[0]), &net) ? give_net(call, out, CEL_IP, &net)
                                                             : cel_fail_about(call, FAIL_CONVERT, ip_wanted, args[0]);
}

CEL_OP(cel_cidr_of_string)
{
    struct cel_net net;
    return cel_net_read_cidr(cel_decoded(call, args[0]), &net)
               ? give_net(call, out, CEL_CIDR, &net)
               : cel_fail_about(call, FAIL_CONVERT, cidr_wanted, args[0]);
}

CEL_OP(cel_is_ip)
{
    struct cel_net net;
    return give_bool(out, cel_net_read_ip(cel_decoded(call, args[0]), &net));
}

CEL_OP(cel_is_cidr)
{
    struct cel_net net;
    return give_bool(out, cel_net_read_cidr(cel_decoded(call, args[0]), &net));
}

CEL_OP(cel_is_canonical)
{
    struct vx_span s = cel_decoded(call, args[0]);
    struct cel_net net;
    char text[CEL_NET_TEXT_SIZE];
    if (!cel_net_read_ip(s, &net))
        return cel_fail_about(call, FAIL_CONVERT, ip_wanted, args[0]);
    return give_bool(
        out, vx_span_equal(s, vx_span(text, cel_net_print((struct cel_value){.type = CEL_IP, .net = &net}, text))));
}

#define NET_OP(name, test)                                                                                             \
    CEL_OP(name)                                                                                                       \
    {                                                                                                                  \
        (void)call;                                                                                                    \
        return give_bool(out, test(args[0].net));                                                                      \
    }

NET_OP(cel_is_unspecified, is_unspecified)
NET_OP(cel_is_loopback, is_loopback)
NET_OP(cel_is_link_local_multicast, is_link_local_multicast)
NET_OP(cel_is_link_local_unicast, is_link_local_unicast)
NET_OP(cel_is_global_unicast, is_global_unicast)

CEL_OP(cel_family)
{
    (void)call;
    return give_int(out, args[0].net->bytes == V4_BYTES ? 4 : 6);
}

CEL_OP(cel_prefix_length)
{
    (void)call;
    return give_int(out, args[0].net->prefix_bits);
}

CEL_OP(cel_ip_of_cidr)
{
    struct cel_net net = *args[0].net;
    net.prefix_bits = 0;
    return give_net(call, out, CEL_IP, &net);
}

CEL_OP(cel_masked)
{
    struct cel_net net = *args[0].net;
    for (unsigned bit = net.prefix_bits; bit < 8u * net.bytes; bit++)
        net.address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    return give_net(call, out, CEL_CIDR, &net);
}

static bool contains(struct cel_value *out, const struct cel_net *block, const struct cel_net *inside)
{
    return give_bool(out, cel_net_same_prefix(block, inside, block->prefix_bits));
}

CEL_OP(cel_contains_ip)
{
    (void)call;
    return contains(out, args[0].net, args[1].net);
}

CEL_OP(cel_contains_ip_string)
{
    struct cel_net net;
    if (!cel_net_read_ip(cel_decoded(call, args[1]), &net))
        return cel_fail_about(call, FAIL_CONVERT, ip_wanted, args[1]);
    return contains(out, args[0].net, &net);
}

static bool contains_block(struct cel_value *out, const struct cel_net *block, const struct cel_net *inside)
{
    return block->prefix_bits <= inside->prefix_bits ? contains(out, block, inside) : give_bool(out, false);
}

CEL_OP(cel_contains_cidr)
{
    (void)call;
    return contains_block(out, args[0].net, args[1].net);
}

CEL_OP(cel_contains_cidr_string)
{
    struct cel_net net;
    if (!cel_net_read_cidr(cel_decoded(call, args[1]), &net))
        return cel_fail_about(call, FAIL_CONVERT, cidr_wanted, args[1]);
    return contains_block(out, args[0].net, &net);
}
