//! How near the different pictures of one class are to each other.

use std::cell::OnceCell;

use super::Image;
use crate::split::Split;

/// Distance up to which two pictures are one, whatever their class looks like.
///
/// Copies saved as JPEG of quality 60 lie within 0.098 for photographs and for Fashion-MNIST, and
/// within 0.086 for digits of MNIST. Of 20,000 images of Fashion-MNIST, 0.05 % of the held-out ones
/// are as near to another of training, and of 5,000 of it and 5,000 digits, none.
const SAME: f32 = 0.1;

/// Greatest distance between a picture and its copy: a correlation of 0.97.
///
/// Of the 222 Tux Paint photographs, no two of a class come nearer than 0.39, and copies at half the
/// size or brightened by a twentieth lie within 0.22, but for one of a glass that is white on white.
const FARTHEST: f32 = 0.243;

/// Share of the usual distance between different pictures of a class from which on two of them are
/// unusually near.
///
/// The number of neighbours within a distance grows with its d-th power, where d is the intrinsic
/// dimension of the data (Levina & Bickel 2004, Maximum Likelihood Estimation of Intrinsic
/// Dimension, section 2). So a share of ln 2 · t^d of the nearest neighbours is nearer than t times
/// the median. For images d is 7 or more (Pope et al. 2021, The Intrinsic Dimension of Images and Its
/// Impact on Learning, table 1), which makes 0.1 % at most. Measured on held-out images of which none
/// is a copy: see `docs/guards.md`.
const UNUSUAL: f32 = 0.4;

/// Training images of a class whose nearest neighbours are looked for, at most.
const QUERIES: usize = 256;

/// How near two images of a class have to be to be one, each class when it is first asked for.
pub(super) struct ClassDistances<'i> {
    images: &'i [Image],
    /// Training images of each class.
    members: Vec<Vec<usize>>,
    limits: Vec<OnceCell<f32>>,
}

impl<'i> ClassDistances<'i> {
    pub fn new(images: &'i [Image], classes: &[usize], splits: &[Split]) -> Self {
        let count = classes.iter().max().map_or(0, |most| most + 1);
        let mut members = vec![Vec::new(); count];
        for (sample, (&class, split)) in classes.iter().zip(splits).enumerate() {
            if *split == Split::Train && sample < images.len() && !images[sample].flat {
                members[class].push(sample);
            }
        }
        ClassDistances {
            images,
            members,
            limits: vec![OnceCell::new(); count],
        }
    }

    /// Distance within which an image and one of `class` are the same picture.
    pub fn limit(&self, class: usize) -> f32 {
        let known = self.limits.get(class);
        known.map_or(FARTHEST, |limit| *limit.get_or_init(|| self.measure(class)))
    }

    fn measure(&self, class: usize) -> f32 {
        let members = &self.members[class];
        let step = members.len().div_ceil(QUERIES).max(1);
        let queries = members.iter().step_by(step);
        let mut nearest: Vec<f32> = queries
            .filter_map(|&query| self.nearest_other(query, members))
            .collect();
        nearest.sort_by(f32::total_cmp);
        match nearest.get(nearest.len() / 2) {
            Some(usual) => (UNUSUAL * usual).clamp(SAME, FARTHEST),
            None => FARTHEST,
        }
    }

    /// Distance of `query` to the nearest image that is certainly another picture.
    fn nearest_other(&self, query: usize, members: &[usize]) -> Option<f32> {
        let others = members.iter().filter(|&&other| other != query);
        let distances = others.map(|&other| self.images[query].difference(&self.images[other]));
        let different = distances.filter(|distance| *distance > SAME);
        different.min_by(f32::total_cmp)
    }
}
