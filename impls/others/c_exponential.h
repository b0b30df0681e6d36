/* e^z and what is made of it, branch-free, so that loops over them become vector instructions. */
#include <math.h>
#include <string.h>

#ifdef WIDE
typedef long long bits;
enum { MANTISSA = 52 };
static const real LOWEST = -708.3, HIGHEST = 709.7;                        /* ln of the least normal and the largest */
static const real LN2_HIGH = 0x1.62e42fefap-1, LN2_LOW = 0x1.cf79abc9e3b3ap-40;
static const real ROUNDER = 0x1.8p52;
static const real Q[] = {0.5000000000000001,    0.16666666666666667,   0.041666666666623992,  0.0083333333333300513,
                         0.0013888888917281793, 1.9841269863105969e-4, 2.4801521190217728e-5, 2.7557268378684193e-6,
                         2.7620138719733996e-7, 2.5100424157005067e-8}; /* relative error of 1 + r + r²Q(r): 1.7e-17 */
#else
typedef int bits;
enum { MANTISSA = 23 };
static const real LOWEST = -87.3f, HIGHEST = 88.7f;
static const real LN2_HIGH = 0x1.62e4p-1f, LN2_LOW = 0x1.7f7d1cp-20f;
static const real ROUNDER = 0x1.8p23f;
static const real Q[] = {0.5f, 0.166665768f, 0.0416665544f, 0.00836320297f, 0.00139262135f}; /* 1.0e-8 */
#endif

/* e^r - 1 with e^z = 2^n e^r, n = round(z/ln 2), and r = z - n ln 2, |r| <= ln(2)/2, ln 2 in two parts so that r keeps its
 * digits (Cody & Waite, Software Manual for the Elementary Functions, 1980, ch. 6); e^r - 1 = r + r²Q(r), Q interpolated at
 * Chebyshev nodes. Adding ROUNDER leaves n in the low bits of `rounded`, from where it can be added to an exponent. */
static inline real rest(real z, real *rounded)
{
    *rounded = z * (real)1.4426950408889634 + ROUNDER;
    const real n = *rounded - ROUNDER;
    const real r = (z - n * LN2_HIGH) - n * LN2_LOW;
    real q = 0;
    for (int k = sizeof Q / sizeof *Q - 1; k >= 0; k--)
        q = q * r + Q[k];
    return q * (r * r) + r;
}

/* value 2^n */
static inline real scaled(real value, real rounded)
{
    union { real value; bits as; } power = {value}, exponent = {rounded};
    power.as += exponent.as << MANTISSA;
    return power.value;
}

/* e^z, clamped to where it is a normal number. */
static inline real exponential(real z)
{
    real rounded;
    z = z > LOWEST ? z : LOWEST;
    z = z < HIGHEST ? z : HIGHEST;
    const real less_1 = rest(z, &rounded);
    return scaled(less_1 + 1, rounded);
}

/* tanh z = s/(s + 2) with s = e^(2z) - 1 = 2^n (e^r - 1) + 2^n - 1, of |z|, which loses nothing near 0; 1 from 20 on. */
static inline real tangent(real z)
{
    real rounded, x = 2 * (z < 0 ? -z : z);
    x = x < 40 ? x : 40;
    const real less_1 = rest(x, &rounded), power = scaled(1, rounded), s = power * less_1 + (power - 1), a = s / (s + 2);
    return z < 0 ? -a : a;
}
