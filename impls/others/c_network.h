/* A network of any layers in plain C: the equations of on_numpy/manual.py as products of matrices and loops over units.
 *
 * Vectors hold neighbouring rows where there are many (feature-major, a[unit][row], in slices of SLICE rows), and
 * neighbouring units where there are fewer than FEW (a[row][unit]). In either layout every product is one of two: `multiply`, whose
 * vectors run along a row of the result, and `dots`, whose vectors run along the sum. The vectors are GCC's and clang's,
 * of 64 bytes whatever the machine's own have.
 */
#include <string.h>

typedef struct {
    long rows;
    const real *x, *y;
    real *parameters, *gradients, *loss, *predictions;
    /* of `network_…` and `networks_…` alone: */
    long layers, stride;    /* stride: of a unit in x and y where there are many rows, their number rounded up */
    const long *sizes, *activations;
    real *memory;           /* 2 (SLICE + WIDTH) numbers for each unit, and half as many for each of the widest layer */
    long vectors;           /* of networks */
} Case;

enum { SIGMOID, TANH, RELU, IDENTITY };
enum { WIDTH = 64 / sizeof(real), FEW = 4 * WIDTH, SLICE = 256, MOST_LAYERS = 10 };
#ifdef __AVX512F__
enum { TALL = 8 }; /* accumulators, as many as the registers hold beside what they are made of */
#else
enum { TALL = 4 };
#endif

typedef real vector __attribute__((vector_size(64), aligned(sizeof(real)), may_alias));

static inline long smaller(long a, long b) { return a < b ? a : b; }

/* C (m, n) = A B, or C + A B: A[p][r] at A[p ap + r ar], B (k, n) and C with rows ldb and ldc apart. */
static inline __attribute__((always_inline)) void tile(const int height, int add, long n, long k, const real *A, long ap,
                                                       long ar, const real *B, long ldb, real *C, long ldc)
{
    long q = 0;
    for (; q + WIDTH <= n; q += WIDTH) {
        vector sums[TALL] = {};
        for (int p = 0; p < height && add; p++)
            sums[p] = *(const vector *)(C + p * ldc + q);
        for (long r = 0; r < k; r++) {
            const vector b = *(const vector *)(B + r * ldb + q);
            for (int p = 0; p < height; p++)
                sums[p] += A[p * ap + r * ar] * b;
        }
        for (int p = 0; p < height; p++)
            *(vector *)(C + p * ldc + q) = sums[p];
    }
    for (; q < n; q++)
        for (int p = 0; p < height; p++) {
            real sum = add ? C[p * ldc + q] : 0;
            for (long r = 0; r < k; r++)
                sum += A[p * ap + r * ar] * B[r * ldb + q];
            C[p * ldc + q] = sum;
        }
}

static void multiply(int add, long m, long n, long k, const real *A, long ap, long ar, const real *B, long ldb, real *C,
                     long ldc)
{
    long p = 0;
    for (; p + TALL <= m; p += TALL)
        tile(TALL, add, n, k, A + p * ap, ap, ar, B, ldb, C + p * ldc, ldc);
    for (; p + 4 <= m; p += 4)
        tile(4, add, n, k, A + p * ap, ap, ar, B, ldb, C + p * ldc, ldc);
    for (; p < m; p++)
        tile(1, add, n, k, A + p * ap, ap, ar, B, ldb, C + p * ldc, ldc);
}

/* C (m, n) += A Bᵀ: rows of A (m, k) and B (n, k) lda and ldb apart, C's ldc. */
static inline __attribute__((always_inline)) void dots_tile(const int height, long n, long k, const real *A, long lda,
                                                            const real *B, long ldb, real *C, long ldc)
{
    for (long q = 0; q < n; q++) {
        vector sums[TALL] = {};
        long r = 0;
        for (; r + WIDTH <= k; r += WIDTH) {
            const vector b = *(const vector *)(B + q * ldb + r);
            for (int p = 0; p < height; p++)
                sums[p] += *(const vector *)(A + p * lda + r) * b;
        }
        for (int p = 0; p < height; p++) {
            real sum = 0;
            for (int i = 0; i < WIDTH; i++)
                sum += sums[p][i];
            for (long i = r; i < k; i++)
                sum += A[p * lda + i] * B[q * ldb + i];
            C[p * ldc + q] += sum;
        }
    }
}

static void dots(long m, long n, long k, const real *A, long lda, const real *B, long ldb, real *C, long ldc)
{
    long p = 0;
    for (; p + TALL <= m; p += TALL)
        dots_tile(TALL, n, k, A + p * lda, lda, B, ldb, C + p * ldc, ldc);
    for (; p < m; p++)
        dots_tile(1, n, k, A + p * lda, lda, B, ldb, C + p * ldc, ldc);
}

/* A matrix's lines, their length, and how far apart they begin: units by rows, or rows by units where those are few. An
 * odd number of vectors apart, so that lines do not fall on the same places of a cache. */
typedef struct { long lines, length, pitch; } Shape;

static Shape shape(int few, long rows, long units)
{
    const Shape by_row = {rows, units, units}, by_unit = {units, rows, rows | WIDTH};
    return few ? by_row : by_unit;
}

/* a = f(z) in place of z, and the slopes f'(z) */
static void activate(long function, long count, real *a, real *slopes)
{
    switch (function) {
    case SIGMOID:
#pragma omp simd
        for (long i = 0; i < count; i++) {
            const real t = exponential(-a[i]), value = 1 / (1 + t);
            slopes[i] = t * value * value;
            a[i] = value;
        }
        break;
    case TANH:
#pragma omp simd
        for (long i = 0; i < count; i++) {
            const real value = tangent(a[i]);
            slopes[i] = (1 - value) * (1 + value);
            a[i] = value;
        }
        break;
    case RELU:
#pragma omp simd
        for (long i = 0; i < count; i++) {
            slopes[i] = a[i] > 0 ? 1 : 0;
            a[i] = a[i] > 0 ? a[i] : 0;
        }
        break;
    default:
        for (long i = 0; i < count; i++)
            slopes[i] = 1;
    }
}

/* z = a W + b */
static void weigh(int few, Shape of_a, Shape of_z, const real *a, const real *W, const real *b, real *z)
{
    const long in = few ? of_a.length : of_a.lines, out = few ? of_z.length : of_z.lines;
    if (!few)
        multiply(0, out, of_z.length, in, W, 1, out, a, of_a.pitch, z, of_z.pitch);
    else if (out > 1)
        multiply(0, of_z.lines, out, in, a, of_a.pitch, 1, W, out, z, of_z.pitch);
    else { /* W is a row as well as a column */
        memset(z, 0, of_z.lines * sizeof(real));
        dots(of_z.lines, 1, in, a, of_a.pitch, W, in, z, 1);
    }
    for (long line = 0; line < of_z.lines; line++)
        for (long i = 0; i < of_z.length; i++)
            z[line * of_z.pitch + i] += b[few ? i : line];
}

/* Add dL/dW = aᵀ delta and dL/db = 1ᵀ delta to what is there. `turned` has room for the transpose of delta. */
static void add_gradients(int few, Shape of_a, Shape of_delta, const real *a, const real *delta, real *turned, real *dW,
                          real *db)
{
    const long in = few ? of_a.length : of_a.lines, out = few ? of_delta.length : of_delta.lines;
    for (long line = 0; line < of_delta.lines; line++) {
        const real *d = delta + line * of_delta.pitch;
        real sum = 0;
        if (few)
            for (long i = 0; i < out; i++)
                db[i] += d[i];
        else {
#pragma omp simd reduction(+ : sum)
            for (long i = 0; i < of_delta.length; i++)
                sum += d[i];
            db[line] += sum;
        }
    }
    if (few && out == 1) /* dWᵀ = deltaᵀ a */
        multiply(1, 1, in, of_a.lines, delta, 1, 1, a, of_a.pitch, dW, in);
    else if (few)
        multiply(1, in, out, of_a.lines, a, 1, of_a.pitch, delta, of_delta.pitch, dW, out);
    else if (out < WIDTH || in < WIDTH) /* too little to pay for a transpose */
        dots(in, out, of_a.length, a, of_a.pitch, delta, of_delta.pitch, dW, out);
    else {
        for (long j = 0; j < out; j++)
            for (long i = 0; i < of_delta.length; i++)
                turned[i * out + j] = delta[j * of_delta.pitch + i];
        multiply(1, in, out, of_a.length, a, of_a.pitch, 1, turned, out, dW, out);
    }
}

/* The cotangent dL/da = delta Wᵀ */
static void go_back(int few, Shape of_a, Shape of_delta, const real *delta, const real *W, real *cotangent)
{
    const long in = few ? of_a.length : of_a.lines, out = few ? of_delta.length : of_delta.lines;
    if (!few)
        multiply(0, in, of_a.length, out, W, out, 1, delta, of_delta.pitch, cotangent, of_a.pitch);
    else if (out == 1)
        multiply(0, of_a.lines, in, 1, delta, 1, 1, W, in, cotangent, of_a.pitch);
    else {
        memset(cotangent, 0, of_a.lines * of_a.pitch * sizeof(real));
        dots(of_a.lines, in, out, delta, of_delta.pitch, W, out, cotangent, of_a.pitch);
    }
}

static void pass(Case *c, int backward)
{
    const long layers = c->layers, *sizes = c->sizes, elements = c->rows * sizes[layers];
    const int few = c->rows < FEW;
    real *dW[MOST_LAYERS], *db[MOST_LAYERS], *values[MOST_LAYERS + 1], *slopes[MOST_LAYERS + 1], *spare = c->memory;
    const real *W[MOST_LAYERS], *b[MOST_LAYERS];
    long parameters = 0;
    for (long l = 0; l <= layers; l++) {
        values[l] = spare;
        slopes[l] = spare + (SLICE + WIDTH) * sizes[l];
        spare += 2 * (SLICE + WIDTH) * sizes[l];
        if (l == layers)
            break;
        W[l] = c->parameters + parameters;
        dW[l] = c->gradients + parameters;
        b[l] = W[l] + sizes[l] * sizes[l + 1];
        db[l] = dW[l] + sizes[l] * sizes[l + 1];
        parameters += (sizes[l] + 1) * sizes[l + 1];
    }
    if (backward)
        memset(c->gradients, 0, parameters * sizeof(real));

    real squares = 0;
    for (long start = 0; start < c->rows; start += SLICE) { /* with few rows once */
        const long rows = smaller(SLICE, c->rows - start), n = few ? rows : (rows + WIDTH - 1) / WIDTH * WIDTH;
        Shape of[MOST_LAYERS + 1];
        for (long l = 0; l <= layers; l++)
            of[l] = shape(few, n, sizes[l]);
        for (long line = 0; line < of[0].lines; line++)
            memcpy(values[0] + line * of[0].pitch, c->x + (few ? line * sizes[0] : line * c->stride + start),
                   of[0].length * sizeof(real));
        for (long l = 0; l < layers; l++) {
            weigh(few, of[l], of[l + 1], values[l], W[l], b[l], values[l + 1]);
            for (long line = 0; line < of[l + 1].lines; line++)
                activate(c->activations[l], of[l + 1].length, values[l + 1] + line * of[l + 1].pitch,
                         slopes[l + 1] + line * of[l + 1].pitch);
        }
        const Shape last = of[layers];
        for (long line = 0; line < last.lines; line++) {
            const long length = few ? last.length : rows;
            const long at = few ? line * last.length : line * c->stride + start;
            const real *a = values[layers] + line * last.pitch, *y = c->y + at, factor = (real)2 / elements;
            real *delta = slopes[layers] + line * last.pitch, sum = 0;
            if (!backward) {
                memcpy(c->predictions + at, a, length * sizeof(real));
                continue;
            }
#pragma omp simd reduction(+ : sum)
            for (long i = 0; i < length; i++) {
                const real error = a[i] - y[i];
                sum += error * error;
                delta[i] *= factor * error;
            }
            for (long i = length; i < last.length; i++)
                delta[i] = 0; /* what only fills the last vector counts for nothing */
            squares += sum;
        }
        for (long l = layers - 1; l >= 0 && backward; l--) {
            add_gradients(few, of[l], of[l + 1], values[l], slopes[l + 1], values[l + 1], dW[l], db[l]);
            if (l == 0)
                break;
            go_back(few, of[l], of[l + 1], slopes[l + 1], W[l], spare);
#pragma omp simd
            for (long i = 0; i < of[l].lines * of[l].pitch; i++)
                slopes[l][i] *= spare[i]; /* delta = slope ∘ cotangent */
        }
    }
    *c->loss = squares / elements;
}

void network_forward(Case *c) { pass(c, 0); }

void network_value_and_grad(Case *c) { pass(c, 1); }

void network_train(Case *c, double learning_rate, long steps)
{
    long parameters = 0;
    for (long l = 0; l < c->layers; l++)
        parameters += (c->sizes[l] + 1) * c->sizes[l + 1];
    for (long step = 0; step < steps; step++) {
        pass(c, 1);
        for (long k = 0; k < parameters; k++)
            c->parameters[k] -= (real)learning_rate * c->gradients[k];
    }
}
